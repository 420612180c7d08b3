"""Arrays from an ``.npz`` that a stranger may have made: nothing is allocated on the word of its header."""

from __future__ import annotations

import io
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

LIMIT = 2**31
"""An array larger than this, in bytes, was not written by the zoo."""

DAMAGE = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    SyntaxError,
    MemoryError,
    RuntimeError,  # encrypted, or NotImplementedError: packed in a way that Python does not know
    struct.error,
    tokenize.TokenError,
    zlib.error,
    zipfile.BadZipFile,
)
"""What reading a damaged file may raise."""


def read_arrays(path: Path, names: Sequence[str]) -> list[np.ndarray]:
    """The arrays ``names`` of the file, in that order; their bytes are checked against the zip's CRC.

    numpy's own reader allocates whatever shape a header claims before it looks whether the data are there.

    Raises:
        any of :data:`DAMAGE`.
    """
    with zipfile.ZipFile(path) as archive:
        return [_array(archive, f"{name}.npy") for name in names]


def _array(archive: zipfile.ZipFile, member: str) -> np.ndarray:
    if archive.getinfo(member).file_size > LIMIT:
        raise ValueError(f"{member} claims {archive.getinfo(member).file_size} bytes")
    file = io.BytesIO(archive.read(member))
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    shape, fortran, dtype = read_header[np.lib.format.read_magic(file)](file)
    data = file.read()
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"{member} claims {shape} of {dtype}, and holds {len(data)} bytes")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
