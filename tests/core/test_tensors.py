"""State dicts are read whole or refused, and no pickle's code is run."""

from __future__ import annotations

import pickle

import pytest
import torch
from safetensors.torch import save_file

from zoo.core.errors import BadInput
from zoo.core.state_dict import read_tensors

STATE = {"a": torch.arange(6.0).view(2, 3), "b": torch.ones(1000)}


@pytest.fixture(params=["weights.safetensors", "weights.pth"])
def file(request, tmp_path):
    path = tmp_path / request.param
    save_file(STATE, path) if path.suffix == ".safetensors" else torch.save(STATE, path)
    return path


def test_both_formats_come_back(file):
    state = read_tensors(file)
    assert state.keys() == STATE.keys()
    assert all(torch.equal(state[key], STATE[key]) for key in STATE)


@pytest.mark.parametrize("kept", [0, 5, 100, 2000])
def test_a_file_that_is_cut_short_is_refused(file, kept):
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(BadInput, match="cannot be read as a whole state dict"):
        read_tensors(file)


class Evil:
    def __reduce__(self):
        return print, ("this must not run",)


def test_code_in_a_pickle_is_not_run(tmp_path, capsys):
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Evil()))
    torch.save(Evil(), tmp_path / "torch.pth")
    for name in ("plain.pth", "torch.pth", "missing.pth"):
        with pytest.raises(BadInput, match=name):
            read_tensors(tmp_path / name)
    assert "must not run" not in capsys.readouterr().out


def test_something_else_than_tensors_is_refused(tmp_path):
    torch.save({"step": 3}, tmp_path / "state.pth")
    with pytest.raises(BadInput, match="something else than a state dict"):
        read_tensors(tmp_path / "state.pth")
