"""Files of weights: whole or refused, and never a pickle."""

from __future__ import annotations

import hashlib
import io

import pytest
import torch

import zoo
from zoo.core.errors import BadInput
from zoo.core.state_dict import read_tensors
from zoo.harness.training.loop import read_state, save_state, save_weights


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
    content = io.BytesIO()
    torch.save(Evil(), content)
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    (tmp_path / "checkpoint.pt").write_bytes(f"sha256 {digest}\n".encode() + content.getvalue())
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


def test_one_flipped_bit_anywhere_is_refused(tmp_path):
    """Of 200 places, in the header, the zip's names, its directory, and the numbers, which torch itself takes."""
    path = tmp_path / "checkpoint.pt"
    save_state({"step": 3, "weights": {"a": torch.ones(1000)}}, path)
    whole = path.read_bytes()
    for place in range(0, len(whole), len(whole) // 200):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        path.write_bytes(damaged)
        with pytest.raises(BadInput, match="cut short, altered, or more than tensors"):
            read_state(path)
