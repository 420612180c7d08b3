"""Named tensors from a file, without ever running code that a pickle may hold."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from zoo.core.errors import BadInput

_DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    SafetensorError,
)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """A state dict: ``.safetensors``, or torch's own format, of which only tensors are read (``weights_only``).

    Raises:
        BadInput: missing, cut short, or holding anything but named tensors.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except _DAMAGE as error:
        # torch's own message would advise to switch the safety off.
        reason = (isinstance(error, OSError) and error.strerror) or "cut short, or more than tensors"
        raise BadInput(
            f"{path} cannot be read as a whole state dict ({reason}); give .safetensors or torch's format."
        ) from None
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise BadInput(f"{path} holds something else than a state dict of named tensors; give a state dict.")
    return dict(state)
