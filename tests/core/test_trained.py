"""A run folder gives its colorizer back; whatever is wrong with it is said in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
import torch
from safetensors.torch import save_file

from zoo.core.assemble import assemble
from zoo.core.errors import BadInput, UnknownName
from zoo.core.registry import current
from zoo.core.resolve import resolve
from zoo.core.spec import ModelRecord
from zoo.core.trained import load


def write_run(folder: Path, bias: float = 0.25, **options: object) -> torch.nn.Module:
    spec = resolve("unet", {"width": 4, "depth": 3, **options})
    model = assemble(spec)
    with torch.no_grad():
        list(model.parameters())[-1].fill_(bias)
    folder.mkdir(parents=True)
    save_file(model.network.state_dict(), folder / "model.safetensors")
    record = ModelRecord(model="unet", label="unet", seed=0, suite="quick", spec=msgspec.to_builtins(spec))
    (folder / "run.json").write_bytes(msgspec.json.encode(record))
    return model.eval()


def test_a_run_answers_as_it_did_when_it_was_trained(tmp_path):
    model = write_run(tmp_path / "run")
    condition = torch.randn(1, 4, 33, 20)
    with torch.no_grad():
        for place in ("run", "run/model.safetensors", "run/run.json"):
            loaded = load(tmp_path / place)
            assert not loaded.training
            torch.testing.assert_close(loaded(condition)["ab"], model(condition)["ab"])


def test_a_models_folder_means_its_lowest_seed(tmp_path):
    for seed, bias in ((10, 0.1), (2, 0.2)):
        write_run(tmp_path / "unet" / f"seed{seed}-abc", bias)
    assert list(load(tmp_path / "unet").parameters())[-1][0].item() == pytest.approx(0.2)


def test_a_baseline_needs_no_run_and_a_model_does():
    assert load("gray")(torch.zeros(1, 4, 5, 5))["ab"].abs().max() == 0
    with pytest.raises(BadInput, match="zoo train unet"):
        load("unet")
    with pytest.raises(UnknownName, match="'unet'"):
        load("unte")


def test_every_model_without_training_is_ready_by_name():
    registry = current()
    untrained = [name for name in registry.names("models") if registry.model_row(name).recipe == "untrained"]
    assert {"gray", "levin2004", "huang2005"} <= set(untrained)
    for name in untrained:
        assert load(name).name == name


class Sepia(torch.nn.Module):
    """Nothing to learn, as a stranger may write it."""

    def forward(self, condition):
        return condition[:, 1:3] + 0.1


def test_a_strangers_model_that_has_nothing_to_learn_is_ready_too(monkeypatch):
    registry = current()
    record = msgspec.structs.replace(registry.entry("models", "gray"), row=None)
    row = msgspec.structs.replace(registry.model_row("gray"), recipe="default")
    monkeypatch.setattr(registry, "entry", lambda kind, name: record)
    monkeypatch.setattr(registry, "model_row", lambda name: row)
    monkeypatch.setattr(registry, "load", lambda kind, name: Sepia)
    assert isinstance(load("gray").network, Sepia)
    monkeypatch.setattr(registry, "load", lambda kind, name: lambda: torch.nn.Conv2d(4, 2, 1))
    with pytest.raises(BadInput, match="has no weights yet"):
        load("gray")


def test_a_published_run_names_the_command_that_makes_its_weights(tmp_path):
    published = Path(__file__).parents[2] / "results" / "quick" / "runs" / "residual_unet"
    with pytest.raises(BadInput, match=r"`zoo train residual_unet --suite quick --seeds 1`"):
        load(published)
    write_run(tmp_path / "run")
    (tmp_path / "run" / "model.safetensors").unlink()
    row = json.loads((tmp_path / "run" / "run.json").read_text())
    row.update(label="unet decoder.skip=sum width=4", suite="smoke", seed=2, model="unet")
    (tmp_path / "run" / "run.json").write_text(json.dumps(row))
    told = r"`zoo train unet --suite smoke --set decoder.skip=sum --set width=4 --first-seed 2 --seeds 1`"
    with pytest.raises(BadInput, match=told):
        load(tmp_path / "run")


@pytest.mark.parametrize("name", ["weights.pt", "a/b.pth", "x.pkl", "model.ckpt"])
def test_pickles_are_refused_unopened(name):
    with pytest.raises(BadInput, match="safetensors only"):
        load(name)


def test_a_file_that_is_cut_short_is_refused(tmp_path):
    write_run(tmp_path / "run")
    weights = tmp_path / "run" / "model.safetensors"
    whole = weights.read_bytes()
    for length in (0, 5, 100, len(whole) - 10):
        weights.write_bytes(whole[:length])
        with pytest.raises(BadInput, match="cut short"):
            load(tmp_path / "run")


def test_weights_of_another_model_are_refused(tmp_path):
    write_run(tmp_path / "run")
    write_run(tmp_path / "wide", width=6)
    (tmp_path / "wide" / "model.safetensors").replace(tmp_path / "run" / "model.safetensors")
    with pytest.raises(BadInput, match="does not fit the model"):
        load(tmp_path / "run")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"spec": 3}', '{"spec": {"name": 1}}', "\xff"])
def test_a_damaged_run_json_is_refused(tmp_path, text):
    write_run(tmp_path / "run")
    (tmp_path / "run" / "run.json").write_text(text, encoding="latin-1")
    with pytest.raises(BadInput, match="does not describe a model"):
        load(tmp_path / "run")


def test_a_path_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(BadInput, match="no such run"):
        load(tmp_path / "nowhere")
    with pytest.raises(BadInput, match=r"holds no run\.json"):
        load(tmp_path)
    for odd in ("a\0b", "x" * 5000):
        with pytest.raises((BadInput, UnknownName)):
            load(odd)
