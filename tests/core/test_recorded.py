"""A stranger's run folder may do nothing but be read."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
import torch
from safetensors.torch import save_file

from zoo.core.assemble import assemble
from zoo.core.errors import BadInput, ZooError
from zoo.core.files import sha256_of
from zoo.core.recorded import check_plain, recorded_spec, spec_of_record
from zoo.core.registry import current
from zoo.core.resolve import resolve
from zoo.core.spec import ModelRecord, ModelSpec, PartRef
from zoo.core.trained import load
from zoo.harness.plan.suite import load_suite

PUBLISHED = Path(__file__).parents[2] / "results" / "quick" / "runs"


class Evil:
    def __reduce__(self):
        return print, ("this must not run",)


def run_of(folder: Path, model: str = "unet", change=lambda row: row, **options) -> Path:
    spec = resolve(model, options or {"width": 4, "depth": 3})
    colorizer = assemble(spec)
    folder.mkdir()
    save_file(colorizer.network.state_dict(), folder / "model.safetensors")
    digest = sha256_of(folder / "model.safetensors")
    plain = msgspec.to_builtins(spec)
    record = ModelRecord(model=model, label=model, seed=0, suite="quick", spec=plain, weights_sha256=digest)
    (folder / "run.json").write_text(json.dumps(change(msgspec.to_builtins(record))))
    return folder


def spec_of(**parts: PartRef) -> ModelSpec:
    plain = {"encoder": PartRef("conv"), "decoder": PartRef("unet"), "head": PartRef("ab")}
    return ModelSpec(name="x", parts={**plain, **parts})


def with_option(role: str, option: str, value):
    def change(row):
        row["spec"]["parts"][role]["options"][option] = value
        return row

    return change


def test_a_pickle_named_in_a_record_is_not_opened(tmp_path, capsys, monkeypatch):
    """Found in the issue: timm_options.checkpoint_path in a stranger's run.json."""
    monkeypatch.chdir(tmp_path)
    for name in ("evil.pth", "evil"):
        torch.save(Evil(), name)
    for number, options in enumerate(
        (
            {"checkpoint_path": str(tmp_path / "evil.pth")},
            {"checkpoint_path": "evil.pth"},
            {"checkpoint_path": "evil"},
            {"pretrained": True, "pretrained_cfg": {"file": "evil"}},
            {"pretrained_cfg": {"file": "evil.pth"}},
            {"features_only": "evil.pth"},
        )
    ):
        run = run_of(
            tmp_path / f"run{number}",
            "convnext_unet",
            with_option("encoder", "timm_options", options),
            depth=2,
        )
        with pytest.raises(ZooError):
            load(run)
    assert "must not run" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "value",
    [
        "/etc/passwd",
        "weights.pth",
        "..",
        "../up",
        "a\\b",
        "~",
        "C:evil",
        "https://host/x",
        "hf-hub:some",
        "evil.SafeTensors",
        "plugin.py",
        "two\nlines",
        "\x1b[31m",
        "x" * 201,
        {"nested": ["evil.ckpt"]},
        {"a/b": 1},
        [["deep", {"x": "/y"}]],
        float("nan"),
    ],
)
def test_a_value_that_may_be_a_place_is_refused(value, tmp_path):
    with pytest.raises(BadInput, match="which a record may not give") as refusal:
        check_plain(value, "run.json: option 'x' of 'y'")
    assert str(refusal.value).isprintable()
    with pytest.raises(BadInput):
        load(run_of(tmp_path / "run", change=with_option("decoder", "skip", value)))


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        0.5,
        "residual",
        "tf_efficientnet_lite0",
        "vit_tiny_patch16_224.augreg_in21k",
        "gate@zoo-gates",
        {"name": "residual", "norm": "batch"},
        [2, 5, 8],
        "",
    ],
)
def test_numbers_and_words_are_taken(value):
    check_plain(value, "here")


def test_undeclared_options_and_roles_are_refused(tmp_path):
    with pytest.raises(BadInput, match="'unet' has no option 'trunk_file'"):
        load(run_of(tmp_path / "a", change=with_option("decoder", "trunk_file", 1)))

    def other_role(row):
        row["spec"]["parts"]["teacher"] = {"name": "conv", "options": {}}
        return row

    with pytest.raises(BadInput, match="no part 'teacher'"):
        load(run_of(tmp_path / "b", change=other_role))


def test_a_part_that_takes_anything_gets_from_a_record_what_it_declares_only(tmp_path, monkeypatch):
    class Free:
        def __init__(self, channels, *, width: int = 4, **options):
            raise AssertionError("must not be built")

    monkeypatch.setitem(current()._loaded, ("heads", current().entry("heads", "ab").qualified), Free)
    spec = spec_of(head=PartRef("ab", {"anything": 1}))
    with pytest.raises(BadInput, match="no option 'anything'"):
        recorded_spec(spec, "run.json")


def test_pretrained_is_off_at_every_depth():
    spec = spec_of(encoder=PartRef("timm", {"pretrained": True, "timm_options": {"pretrained": True, "a": [1]}}))
    options = recorded_spec(spec, "run.json").parts["encoder"].options
    assert options == {"pretrained": False, "timm_options": {"pretrained": False, "a": [1]}}


def test_weights_exchanged_between_runs_are_refused(tmp_path):
    first, second = run_of(tmp_path / "seed0"), run_of(tmp_path / "seed1")
    load(first)
    ours = (first / "model.safetensors").read_bytes()
    (first / "model.safetensors").write_bytes((second / "model.safetensors").read_bytes())
    with pytest.raises(BadInput, match="it was exchanged or damaged") as refusal:
        load(first)
    assert str(first / "model.safetensors") in str(refusal.value)
    damaged = bytearray(ours)
    damaged[-1] ^= 1
    (first / "model.safetensors").write_bytes(damaged)
    with pytest.raises(BadInput, match="it was exchanged or damaged"):
        load(first)


def test_records_without_a_digest_still_load_with_a_note(tmp_path):
    run = run_of(tmp_path / "old", change=lambda row: {k: v for k, v in row.items() if k != "weights_sha256"})
    assert "holds no digest" in load(run).notes[0]
    assert load(run_of(tmp_path / "new")).notes == ()
    with pytest.raises(BadInput, match="does not describe a model"):
        load(run_of(tmp_path / "odd", change=lambda row: {**row, "weights_sha256": 3}))


def test_every_published_record_may_be_built():
    records = sorted(PUBLISHED.glob("*/*/run.json"))
    assert records
    for path in records:
        recorded_spec(spec_of_record(json.loads(path.read_bytes())["spec"]), str(path))


def test_every_models_own_record_may_be_built():
    for name in current().names("models"):
        if current().entry("models", name).row is not None:
            recorded_spec(resolve(name), name)


OURS = [name for name in current().names("models") if current().entry("models", name).builtin]


@pytest.mark.parametrize("name", OURS)
def test_a_spec_is_recorded_and_read_as_it_is(name):
    """Also a whole network upon a propagator, which lost it here: its run could be neither loaded nor scored again."""
    for defaults in ({}, load_suite("quick").options):
        spec = resolve(name, defaults=defaults)
        assert spec_of_record(json.loads(msgspec.json.encode(spec))) == msgspec.convert(
            msgspec.to_builtins(spec), ModelSpec
        )


@pytest.mark.parametrize("name", ["icnet", "icolorit"])
def test_a_whole_network_upon_a_propagator_is_loaded_with_it(name, tmp_path):
    options = {"width": 8, "propagator": "pyramid"}
    loaded = load(run_of(tmp_path / "run", name, **options)).eval()
    assert type(loaded.network.propagator).__name__ == "PyramidPropagator"
    condition = torch.rand(1, 4, 40, 40, generator=torch.Generator().manual_seed(0)) - 0.5
    condition[:, 3:] = (condition[:, 3:] > 0.4).float()
    hinted = condition[:, 3:].bool().expand(-1, 2, -1, -1)
    assert torch.equal(loaded(condition)["ab"][hinted], condition[:, 1:3][hinted]), "hints are kept"
