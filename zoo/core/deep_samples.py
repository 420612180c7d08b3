"""Samples of more than 8 bits → 8 bits: which number is white is read from the file's tags, and guessed at last.

TIFF says how wide a sample is stored (BitsPerSample, SampleFormat), not always how much of it is used: 12-bit
cameras and scanners fill 16-bit samples up to 4095, and programs for measuring write 0…255 as floats. What was
assumed is said.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

UNSIGNED, SIGNED, FLOAT = 1, 2, 3
"""SampleFormat of TIFF 6.0, section 19."""

_OVERSHOOT = 1.5  # floats a little beyond 1 come from resampling, and 1.5 of 255 would be a black picture


class Samples(NamedTuple):
    """What a file says of its samples.

    Attributes:
        bits: of one sample as it is stored.
        kind: :data:`UNSIGNED`, :data:`SIGNED` or :data:`FLOAT`.
        highest: the tag MaxSampleValue or SMaxSampleValue, or None.
        white_is_zero: photometric interpretation 0.
        full_range: the format itself says that all bits are used (PNG, JPEG 2000).
    """

    bits: int = 16
    kind: int = UNSIGNED
    highest: float | None = None
    white_is_zero: bool = False
    full_range: bool = False


def to_8_bit(samples: np.ndarray, said: Samples) -> tuple[np.ndarray, str]:
    """Samples of any shape → uint8 of that shape, scaled so that white is 255, rounded; and a note or nothing.

    Raises:
        ValueError: samples whose white cannot be known.
    """
    lowest, most = (float(samples.min()), float(samples.max())) if samples.size else (0.0, 0.0)
    white, note = _white(most, said)
    slack = 0.05 * white if said.kind == FLOAT else 0.0
    if not (-slack <= lowest and most <= max(white, _OVERSHOOT if white == 1 else white)):
        raise ValueError(f"{said.bits}-bit samples outside 0…{white:g}")
    if samples.dtype == np.uint16:
        table = np.minimum((np.arange(65536, dtype=np.uint64) * 510 + int(white)) // (2 * int(white)), 255)
        scaled = table.astype(np.uint8)[samples]
    else:
        scaled = np.clip(samples * (255 / white), 0, 255).round().astype(np.uint8)
    return (255 - scaled if said.white_is_zero else scaled), note


def _white(most: float, said: Samples) -> tuple[float, str]:
    if said.kind == FLOAT:
        return _float_white(most, said.highest)
    full = 2.0 ** (said.bits - (said.kind == SIGNED)) - 1
    if said.full_range or said.bits not in (16, 32) or most == 0:
        return full, ""
    # MaxSampleValue is a statistic in TIFF 6.0; only one that ends a number of bits speaks of the camera.
    if said.highest is not None and most <= said.highest and np.log2(said.highest + 1).is_integer():
        depth = int(np.log2(said.highest + 1))
        return said.highest, "" if said.highest == full else f"read as {depth} bits, as its tag MaxSampleValue says"
    for depth in (8, 12, 16):
        if most < 2**depth < full:
            return 2.0**depth - 1, f"read as {depth} bits, since no sample is above {2**depth - 1}"
    return full, ""


def _float_white(most: float, highest: float | None) -> tuple[float, str]:
    if highest is not None and 0 < most <= highest and highest in (1, 255, 65535):
        return highest, "" if highest == 1 else f"read as floats 0…{highest:g}, as its tag SMaxSampleValue says"
    if most <= _OVERSHOOT:
        return 1.0, "" if most <= 1 else "floats above 1 are cut to 1"
    if most <= 255:
        return 255.0, "read as floats 0…255, since samples are above 1 and none is above 255"
    return 1.0, ""
