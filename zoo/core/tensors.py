"""Named tensors from a file, without ever running code that a pickle may hold."""

from __future__ import annotations

import argparse
import pickle
import struct
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from zoo.core.errors import BadInput
from zoo.core.state_dict import Layout, Unwrapped, unwrap

_DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
    struct.error,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    SafetensorError,
)
_OF_OTHERS = {b"\x89HDF": "an HDF5 file, as Keras writes them", b"BZh": "compressed", b"\x1f\x8b": "compressed"}
"""What people take for weights, by a file's first bytes."""


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The state dict in a file, whatever it is of; see :func:`read_state`."""
    return read_state(path).tensors


def read_state(path: Path, layouts: Sequence[Layout] = (), *, what: str = "") -> Unwrapped:
    """The state dict in a file: ``.safetensors``, or torch's own format, of which only tensors and plain data are read.

    The one reader of files that come from elsewhere. Checkpoints of the common shapes are unwrapped, see
    :func:`zoo.core.state_dict.unwrap`.

    Args:
        layouts: what is looked for; without any, whatever state dict is in it.
        what: whose weights they should be, for messages.

    Raises:
        BadInput: missing, cut short, holding anything but named tensors, or the tensors of something else.
    """
    return unwrap(_content(path), layouts, str(path), what)


def _content(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            start = file.read(16)
        if path.suffix == ".safetensors" or start[8:9] == b"{":
            return load_file(path)
        # A Namespace is what training scripts put beside their tensors: it holds attributes and nothing that runs.
        with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch remarks on pickles of other protocols that it reads all the same
            return torch.load(path, map_location="cpu", weights_only=True)
    except _DAMAGE as error:
        # torch's own message would advise to switch the safety off.
        reason = (isinstance(error, OSError) and error.strerror) or _what_else(path)
        raise BadInput(
            f"{path} cannot be read as a whole state dict ({reason}); give .safetensors or torch's format."
        ) from None


def _what_else(path: Path) -> str:
    """Why a file that could be opened is no state dict, as far as it can be told without running it."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
        for magic, name in _OF_OTHERS.items():
            if start.startswith(magic):
                return f"it is {name}"
        classes = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except _DAMAGE:
        return "cut short, or more than tensors"
    if classes:
        shown = ", ".join(sorted(ascii(name)[1:-1] for name in classes))
        return f"more than tensors: it holds {shown}, whose code is not run"
    return "cut short, or more than tensors"
