"""TIFFs of colour with more than 8 bits, which Pillow cuts to 8, takes for garbage or does not know, brought to 8 bits.

What is not compressed is read by tifffile. Compressed 16-bit RGB is decoded by Pillow twice: as what it is, which
keeps each sample's high byte, and with the bytes swapped, which keeps the low one.

Which number is white is read from the file's tags, and guessed at last: TIFF says how wide a sample is stored
(BitsPerSample, SampleFormat), not always how much of it is used. 12-bit cameras and scanners fill 16-bit samples up to
4095, and programs for measuring write 0…255 as floats. What was assumed is said.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

_BITS, _COMPRESSION, _PHOTOMETRIC, _MAX, _EXTRA, _FORMAT, _SMAX, _PLANAR = 258, 259, 262, 281, 338, 339, 341, 284
_ORIENTATION, _PROFILE = 274, 34675
_SWAPPED = {"L": "B", "B": "L", "N": "B" if sys.byteorder == "little" else "L"}

# Its messages about odd tags are for whoever looks into a file's making.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


class Deep(NamedTuple):
    """A TIFF's first page as it is stored.

    Attributes:
        samples: (H, W) grey, (H, W, 3) or (H, W, 4) with alpha, not turned.
        said: what its tags say of them.
        premultiplied: the colours have been multiplied by alpha.
        profile: the ICC profile, or None.
        orientation: the EXIF number of how the camera was held.
    """

    samples: np.ndarray
    said: Samples
    premultiplied: bool
    profile: bytes | None
    orientation: int


def samples_said(tags: Any) -> Samples:
    """What a TIFF's tags, a mapping from number to value, say of its samples."""
    kind = int(_first(tags.get(_FORMAT), 1))
    highest = _first(tags.get(_SMAX) or tags.get(_MAX), None)
    return Samples(
        bits=int(_first(tags.get(_BITS), 1)),
        kind=kind if kind in (1, 2, 3) else 1,
        highest=float(highest) if isinstance(highest, int | float) else None,
        white_is_zero=_first(tags.get(_PHOTOMETRIC), 1) == 0,
    )


def is_deep_colour(image: Image.Image) -> bool:
    """Whether Pillow has opened a TIFF of colours whose samples it would cut."""
    tags = getattr(image, "tag_v2", None)
    return tags is not None and image.mode in ("RGB", "RGBA") and _first(tags.get(_BITS), 8) > 8


def read_deep(source: Any, limit: int) -> Deep:
    """The first page of a TIFF with samples of 8, 16 or 32 bits, integers or floats, grey or colour, uncompressed.

    Args:
        source: a path or an open file.
        limit: refuse more pixels than these before any is read.

    Raises:
        ValueError: what is stored is compressed, of another kind, too large or damaged.
    """
    import tifffile

    try:
        with tifffile.TiffFile(source) as file:
            page: Any = file.pages[0]
            tags = {tag.code: tag.value for tag in page.tags}
            colours = page.samplesperpixel
            _check(page, tags, colours, limit)
            samples = np.asarray(page.asarray(squeeze=False))  # (planes, depth, H, W, C), as tifffile normalises it
            apart = colours > 1 and len(samples) > 1
            samples = np.moveaxis(samples[:, 0, :, :, 0], 0, -1) if apart else samples[0, 0]
    except (ValueError, OSError):
        raise
    except Exception as error:  # a damaged file makes it raise nearly anything
        raise ValueError(f"damaged TIFF: {error}") from error
    extra = _first(tags.get(_EXTRA), 0)
    if samples.shape[-1] == 1:
        samples = samples[..., 0]
    elif colours > 3:
        samples = samples[..., : 4 if extra in (1, 2) else 3]
    profile = tags.get(_PROFILE)
    orientation = _first(tags.get(_ORIENTATION), 1)
    return Deep(samples, samples_said(tags), extra == 1, profile, int(orientation))


def decode_twice(image: Any, again: Any) -> np.ndarray:
    """16-bit samples (H, W, C) of a TIFF that Pillow cuts to their high bytes.

    Args:
        image, again: the same file opened twice by Pillow, neither loaded.

    Raises:
        ValueError: it is stored plane by plane, which Pillow takes for 8 bits.
    """
    modes = [_raw_mode(tile) for tile in image.tile]
    if image.tag_v2.get(_PLANAR, 1) == 2 or not all(mode[:-1].endswith(";16") for mode in modes):
        raise ValueError("compressed 16-bit colours stored plane by plane")
    swapped = (mode[:-1] + _SWAPPED[mode[-1]] for mode in modes)
    again.tile = [_with_raw_mode(tile, mode) for tile, mode in zip(again.tile, swapped, strict=True)]
    high, low = np.asarray(image), np.asarray(again)
    deep: np.ndarray = high.astype(np.uint16) << 8 | low
    return deep


def _check(page: Any, tags: dict[int, Any], colours: int, limit: int) -> None:
    if page.imagewidth * page.imagelength > limit:
        raise ValueError(f"{page.imagewidth}×{page.imagelength} pixels are too many")
    if tags.get(_COMPRESSION, 1) != 1:
        raise ValueError("compressed samples of this depth")
    photometric = _first(tags.get(_PHOTOMETRIC), 1)
    depth = _first(tags.get(_BITS), 1)
    if photometric not in (0, 1, 2) or (photometric == 2) != (colours >= 3) or depth not in (8, 16, 32, 64):
        raise ValueError(f"{colours} samples of {depth} bits, photometric {photometric}")
    if page.imagedepth != 1 or len(page.dataoffsets) == 0:
        raise ValueError("a TIFF without pixels")


def _raw_mode(tile: Any) -> str:
    return str(tile.args[0] if isinstance(tile.args, tuple) else tile.args)


def _with_raw_mode(tile: Any, mode: str) -> Any:
    return tile._replace(args=(mode, *tile.args[1:]) if isinstance(tile.args, tuple) else mode)


def _first(value: Any, default: Any) -> Any:
    """A tag's value: a number, or the first of several."""
    if isinstance(value, tuple | list | np.ndarray):
        return value[0] if len(value) else default
    return default if value is None else value


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
