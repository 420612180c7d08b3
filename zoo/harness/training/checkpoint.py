"""Files of weights and of training states: written whole or not at all, read without pickle."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from zoo.core.errors import BadInput


def save_weights(module: nn.Module, path: Path) -> None:
    """A module's state as safetensors, atomically."""
    part = path.with_name(path.name + ".part")
    # Shared tensors (tied weights) are written once per name; safetensors refuses aliases.
    save_file({k: v.detach().cpu().contiguous().clone() for k, v in module.state_dict().items()}, part)
    os.replace(part, path)


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    Raises:
        BadInput: missing, cut short, or another format (a pickle is never opened).
    """
    if path.suffix != ".safetensors":
        raise BadInput(f"{path} is not a .safetensors file; pickled checkpoints are refused, convert it first.")
    if not path.is_file():
        raise BadInput(f"{path} does not exist.")
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise BadInput(f"{path} is no whole safetensors file ({error}); train or copy it again.") from None


def save_state(state: Mapping[str, Any], path: Path) -> None:
    """A training state (tensors, numbers, text, nested), atomically."""
    part = path.with_name(path.name + ".part")
    torch.save(dict(state), part)
    os.replace(part, path)


def read_state(path: Path) -> dict[str, Any]:
    """What :func:`save_state` wrote, with ``weights_only=True``: no code is ever run.

    Raises:
        BadInput: cut short, or holding anything but tensors and plain data.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, zipfile.BadZipFile, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BadInput(f"{path} is no whole training state ({reason}); delete it to train anew.") from None
