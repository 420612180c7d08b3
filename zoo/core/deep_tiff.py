"""TIFFs of colour with more than 8 bits, which Pillow cuts to 8, takes for garbage or does not know.

What is not compressed is read by tifffile. Compressed 16-bit RGB is decoded by Pillow twice: as what it is, which
keeps each sample's high byte, and with the bytes swapped, which keeps the low one.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from zoo.core.deep_samples import Samples

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
            samples = np.asarray(page.asarray(squeeze=False))[0, 0] if colours == 1 else _interleaved(page)
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


def _interleaved(page: Any) -> np.ndarray:
    """(planes, depth, H, W, C) as tifffile normalises it → (H, W, C)."""
    shaped = np.asarray(page.asarray(squeeze=False))
    return np.moveaxis(shaped[:, 0, :, :, 0], 0, -1) if shaped.shape[0] > 1 else shaped[0, 0]


def _raw_mode(tile: Any) -> str:
    return str(tile.args[0] if isinstance(tile.args, tuple) else tile.args)


def _with_raw_mode(tile: Any, mode: str) -> Any:
    return tile._replace(args=(mode, *tile.args[1:]) if isinstance(tile.args, tuple) else mode)


def _first(value: Any, default: Any) -> Any:
    """A tag's value: a number, or the first of several."""
    if isinstance(value, tuple | list | np.ndarray):
        return value[0] if len(value) else default
    return default if value is None else value
