"""Checkpoints as people have them are unwrapped; a refusal says all that differs."""

from __future__ import annotations

import argparse
import contextlib
import itertools

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.optim.swa_utils import AveragedModel

from zoo.core.errors import BadInput
from zoo.core.state_dict import Layout, differences, layout_of, names, read_state, read_tensors, unwrap


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(4, 3, 3), nn.BatchNorm2d(3), nn.Sequential(nn.Conv2d(3, 2, 1)))


@pytest.fixture
def wanted():
    return network().state_dict()


def prefixed(state, *prefixes):
    return {"".join(prefixes) + key: value for key, value in state.items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


INSIDE = ["state_dict", "params", "params_ema", "model", "model_state_dict", "net", "generator", "weights"]
BEFORE = ["module.", "_orig_mod.", "net.", "model.", "module._orig_mod.", "_orig_mod.module.", "model.net.module."]


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("before", ["", *BEFORE])
def test_prefixes_come_off(tmp_path, wanted, before, suffix):
    path = tmp_path / f"weights{suffix}"
    given = prefixed(wanted, before)
    save_file(given, path) if suffix == ".safetensors" else torch.save(given, path)
    read = read_state(path, [layout_of(network())])
    assert same(read.tensors, wanted)
    assert bool(read.notes) == bool(before), "what is taken off is said"


@pytest.mark.parametrize(("outer", "inner"), [(key, None) for key in INSIDE] + list(itertools.permutations(INSIDE, 2)))
def test_wrapping_mappings_come_off(tmp_path, wanted, outer, inner):
    content = {outer: wanted if inner is None else {inner: prefixed(wanted, "module.")}, "epoch": 7, "lr": 0.1}
    torch.save(content, tmp_path / "w.pth")
    read = read_state(tmp_path / "w.pth", [layout_of(network())])
    assert same(read.tensors, wanted)
    assert repr(outer) in read.notes[0]


def test_a_training_state_gives_its_network(tmp_path, wanted):
    """As timm's and Lightning's scripts write them, with optimizer, arguments and another network beside."""
    trained = network(1)
    optimizer = torch.optim.AdamW(trained.parameters())
    trained(torch.rand(2, 4, 8, 8)).sum().backward()
    optimizer.step()
    state = {
        "state_dict": {**prefixed(wanted, "net."), "loss.trunk.weight": torch.zeros(3)},
        "optimizer_states": [optimizer.state_dict()],
        "optimizer": optimizer.state_dict(),
        "args": argparse.Namespace(lr=0.1),
        "epoch": 3,
        "loss": torch.tensor(0.5),
        "pytorch-lightning_version": "2.4.0",
    }
    torch.save(state, tmp_path / "last.ckpt")
    read = read_state(tmp_path / "last.ckpt", [layout_of(network())])
    assert same(read.tensors, wanted)
    assert "'net.' taken off its names, 1 other tensors left" in " ".join(read.notes)


def test_averaged_weights_are_preferred_and_said(wanted):
    plain, averaged = network(1).state_dict(), wanted
    for content in (
        {"params": plain, "params_ema": averaged},
        {"model": plain, "model_ema": {"state_dict": averaged}},
        {"state_dict": {**prefixed(plain, "net."), **prefixed(averaged, "net_ema.")}},
    ):
        read = unwrap(content, [layout_of(network())], "f")
        assert same(read.tensors, averaged)
        assert "ema" in " ".join(read.notes)


def test_torchs_own_averages_are_read(tmp_path):
    averaged = AveragedModel(network(), multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9))
    torch.save(averaged.state_dict(), tmp_path / "ema.pth")
    assert same(read_state(tmp_path / "ema.pth", [layout_of(network())]).tensors, network().state_dict())


def test_compiled_submodules_are_read(wanted):
    given = {key.replace("2.", "2._orig_mod.", 1) if key.startswith("2.") else key: v for key, v in wanted.items()}
    read = unwrap(given, [layout_of(network())], "f")
    assert same(read.tensors, wanted)


def test_a_network_with_a_module_called_module_keeps_its_names():
    class Wrapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.module = network()

    state = Wrapped().state_dict()
    for content in (state, prefixed(state, "module."), {"model": prefixed(state, "net.")}):
        assert same(unwrap(content, [layout_of(Wrapped())], "f").tensors, state)


def test_two_that_fit_and_differ_are_not_chosen_between(wanted):
    content = {"teacher": wanted, "student": network(1).state_dict()}
    with pytest.raises(BadInput, match="several state dicts \\('teacher' and 'student'\\)"):
        unwrap(content, [layout_of(network())], "f")
    assert same(unwrap({"a": wanted, "b": dict(wanted)}, [layout_of(network())], "f").tensors, wanted)


def test_the_layout_that_fits_is_told(wanted):
    original = {f"model{key}": value for key, value in wanted.items()}
    layouts = [layout_of(network(), "ours"), Layout({k: tuple(v.shape) for k, v in original.items()}, name="theirs")]
    assert unwrap({"state_dict": prefixed(original, "module.")}, layouts, "f").layout is layouts[1]
    assert unwrap({"state_dict": prefixed(wanted, "module.")}, layouts, "f").layout is layouts[0]


def test_a_refusal_names_all_that_differs(tmp_path, wanted):
    given = prefixed({key: value for key, value in wanted.items() if not key.startswith("1.")}, "module.")
    given |= {"module.extra.weight": torch.zeros(1), "module.0.weight": torch.zeros(3, 1, 3, 3)}
    torch.save({"state_dict": given}, tmp_path / "w.pth")
    with pytest.raises(BadInput) as refusal:
        read_state(tmp_path / "w.pth", [layout_of(network())], what="'mine'")
    text = str(refusal.value)
    assert "w.pth does not fit 'mine': of the 5 tensors in 'state_dict' and the 9 wanted" in text
    assert "1.weight, 1.bias, 1.running_mean, 1.running_var missing" in text
    assert "it has no extra.weight" in text
    assert "0.weight has shape (3, 1, 3, 3), not (3, 4, 3, 3)" in text
    assert "\n" not in text


def test_hundreds_of_names_are_gathered_by_module():
    many = [f"block{i}.{j}.weight" for i in range(3) for j in range(50)]
    assert names(many[:99]).count(",") == 98
    assert names([*many, "last"]) == "block0.* (50), block1.* (50), block2.* (50), last"


def test_a_trunk_may_lie_among_other_tensors(wanted):
    trunk = Layout({"0.weight": (3, 4, 3, 3)}, more=True)
    read = unwrap({"model": prefixed(wanted, "backbone.")}, [trunk], "f")
    assert torch.equal(read.tensors["0.weight"], wanted["0.weight"])
    assert differences(wanted, trunk) == ""
    assert differences(wanted, trunk._replace(more=False)).startswith("it has no 0.bias, 1.weight")


def test_the_batch_counter_may_be_missing(wanted):
    old = {key: value for key, value in wanted.items() if "num_batches" not in key}
    network().load_state_dict(unwrap(old, [layout_of(network())], "f").tensors)


class AnyClass:
    """Something that a training script pickled beside its weights."""


def test_a_file_with_code_says_whose(tmp_path, wanted):
    torch.save({"state_dict": wanted, "config": AnyClass()}, tmp_path / "w.pth")
    with pytest.raises(BadInput, match=r"more than tensors: it holds .*AnyClass, whose code is not run"):
        read_tensors(tmp_path / "w.pth")
    (tmp_path / "keras.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(BadInput, match="HDF5"):
        read_tensors(tmp_path / "keras.h5")


def test_the_format_is_known_by_content(tmp_path, wanted):
    save_file(wanted, tmp_path / "odd.pth")
    assert same(read_tensors(tmp_path / "odd.pth"), wanted)


@pytest.mark.parametrize("content", [[], 3, {}, {"a": {}}, {"a": "b"}, {3: torch.zeros(1)}, torch.zeros(3)])
def test_what_holds_no_named_tensors_is_refused(content):
    with pytest.raises(BadInput, match="something else than a state dict"):
        unwrap(content, [layout_of(network())], "f")


def test_damaged_files_are_refused_in_a_sentence(tmp_path, wanted):
    """A byte flipped anywhere either leaves a whole state dict or is refused; nothing else escapes."""
    torch.save({"state_dict": wanted}, tmp_path / "w.pth")
    whole = (tmp_path / "w.pth").read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 150)):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        (tmp_path / "w.pth").write_bytes(damaged)
        with contextlib.suppress(BadInput):
            assert read_state(tmp_path / "w.pth", [layout_of(network())]).tensors.keys() == wanted.keys()
