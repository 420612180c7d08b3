"""What made a colorizer decides its identity; where it lies does not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest
import torch
from safetensors.torch import save_file

from zoo.core.assemble import assemble
from zoo.core.errors import BadInput, UnknownName
from zoo.core.origin import origin_of
from zoo.core.resolve import build, resolve
from zoo.core.spec import ModelRecord


@pytest.fixture
def run(tmp_path: Path) -> Path:
    spec = resolve("unet", {"width": 4, "depth": 3})
    folder = tmp_path / "runs" / "unet" / "seed0-abc"
    folder.mkdir(parents=True)
    save_file(assemble(spec).network.state_dict(), folder / "model.safetensors")
    record = ModelRecord(model="unet", label="unet", seed=0, suite="quick", steps=180, spec=msgspec.to_builtins(spec))
    (folder / "run.json").write_bytes(msgspec.json.encode(record))
    return folder


def test_a_run_is_the_same_wherever_it_lies_and_however_it_is_named(run, tmp_path):
    told = origin_of(run)
    assert (told.name, told.run, told.steps, told.suite) == ("unet", True, 180, "quick")
    shutil.copytree(run.parent, tmp_path / "moved")
    for other in (run.parent, run / "model.safetensors", tmp_path / "moved"):
        assert origin_of(other) == told


def test_other_weights_or_other_options_are_another_origin(run):
    told = origin_of(run)
    weights = run / "model.safetensors"
    torch.manual_seed(1)
    save_file(assemble(resolve("unet", {"width": 4, "depth": 3})).network.state_dict(), weights)
    retrained = origin_of(run)
    assert retrained.identity != told.identity
    assert retrained.weights != told.weights
    record = json.loads((run / "run.json").read_text())
    record["spec"]["colorizer"]["hint_gain"] = 3.0
    (run / "run.json").write_text(json.dumps(record))
    assert origin_of(run).identity != retrained.identity


def test_given_weights_are_known_by_what_is_in_them(tmp_path):
    one, other, copy = (tmp_path / f"{name}.safetensors" for name in ("one", "other", "copy"))
    for file, seed in ((one, 0), (other, 1), (copy, 0)):
        torch.manual_seed(seed)
        save_file(build("edsr", width=4, blocks=1).network.state_dict(), file)
    told = origin_of("edsr", one)
    assert (told.run, told.steps) == (False, None)
    assert told == origin_of("edsr", copy)
    assert told.identity != origin_of("edsr", other).identity


def test_names_differ_and_a_run_without_weights_or_an_unknown_name_is_refused(run):
    assert origin_of("gray").identity != origin_of("levin2004").identity
    assert not origin_of("gray").run
    (run / "model.safetensors").unlink()
    with pytest.raises(BadInput, match=r"holds no model\.safetensors"):
        origin_of(run)
    with pytest.raises(UnknownName):
        origin_of("gary")
    with pytest.raises(BadInput, match="zoo train unet"):
        origin_of("unet")
