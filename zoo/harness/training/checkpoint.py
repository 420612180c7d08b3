"""Files of weights and of training states: written whole or not at all, read without pickle."""

from __future__ import annotations

import hashlib
import io
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from zoo.core.errors import BadInput
from zoo.core.files import writing

_HEADER = len("sha256 ") + 64 + 1
"""Bytes before the state: the word, the digest and a line end."""


def save_weights(module: nn.Module, path: Path) -> None:
    """A module's state as safetensors, atomically."""
    # Shared tensors (tied weights) are written once per name; safetensors refuses aliases.
    state = {k: v.detach().cpu().contiguous().clone() for k, v in module.state_dict().items()}
    with writing(path) as part:
        save_file(state, part)


def save_state(state: Mapping[str, Any], path: Path) -> None:
    """A training state (tensors, numbers, text, nested), atomically, behind the digest of its bytes."""
    content = io.BytesIO()
    torch.save(dict(state), content)
    with writing(path) as part, part.open("wb") as file:
        file.write(_digest(content.getbuffer()))
        file.write(content.getbuffer())


def read_state(path: Path) -> dict[str, Any]:
    """What :func:`save_state` wrote, with ``weights_only=True``: no code is ever run.

    Raises:
        BadInput: cut short, altered, or holding anything but tensors and plain data.
    """
    try:
        content = path.read_bytes()
        # torch does not look at the checksums inside its files: a flipped bit would be a wrong weight.
        if content[:_HEADER] != _digest(memoryview(content)[_HEADER:]):
            raise ValueError("its digest is another")
        state: dict[str, Any] = torch.load(
            io.BytesIO(memoryview(content)[_HEADER:]), map_location="cpu", weights_only=True
        )
        return state
    except (pickle.UnpicklingError, RuntimeError, EOFError, zipfile.BadZipFile, OSError, ValueError) as error:
        # torch's own message would advise to switch the safety off.
        reason = (isinstance(error, OSError) and error.strerror) or "cut short, altered, or more than tensors"
        raise BadInput(f"{path} is no whole training state ({reason}); delete it to train anew.") from None


def _digest(content: memoryview) -> bytes:
    return b"sha256 " + hashlib.sha256(content).hexdigest().encode("ascii") + b"\n"
