"""Files of weights: whole or refused, and never a pickle."""

from __future__ import annotations

import pytest
import torch

import zoo
from zoo.core.errors import BadInput
from zoo.core.tensors import read_tensors
from zoo.harness.training.checkpoint import read_state, save_state, save_weights


def test_weights_come_back(tmp_path):
    model = zoo.build("unet", width=4, depth=3)
    save_weights(model, tmp_path / "model.safetensors")
    again = read_tensors(tmp_path / "model.safetensors")
    assert all(torch.equal(value, again[key]) for key, value in model.state_dict().items())
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


class Evil:
    def __reduce__(self):
        return print, ("this must not run",)


def test_a_pickle_is_refused_and_not_opened(tmp_path, capsys):
    torch.save(Evil(), tmp_path / "checkpoint.pt")
    with pytest.raises(BadInput, match="no whole training state"):
        read_state(tmp_path / "checkpoint.pt")
    assert "must not run" not in capsys.readouterr().out


def test_a_state_that_is_cut_short_is_refused(tmp_path):
    path = tmp_path / "checkpoint.pt"
    save_state({"step": 3, "weights": {"a": torch.ones(1000)}}, path)
    assert read_state(path)["step"] == 3
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BadInput, match="delete it to train anew"):
        read_state(path)
