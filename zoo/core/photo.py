"""One photo file → uint8 RGB, whatever way it was stored.

Colours are read as sRGB: embedded ICC profiles are ignored, as every published colorization
evaluator does, so that scores stay comparable. Transparency is composited over white, which is
what a viewer shows behind a cut-out. 16-bit samples are scaled by 255/65535 and rounded
(16-bit RGB is cut to its high byte by Pillow itself: at most one level lower).
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.core.errors import BadInput
from zoo.core.photo_files import formats

PIXEL_LIMIT = 150_000_000
"""Larger photos are refused; just below the size at which Pillow itself suspects a bomb."""

# How the camera was held → how its picture is turned upright. ImageOps.exif_transpose would also
# write the other tags anew, and fails on odd ones.
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# What Pillow's decoders raise on damaged files, over and above OSError.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


def read_photo(path: Path | str) -> np.ndarray:
    """A photo file, turned upright by its EXIF orientation: uint8 (H, W, 3) RGB.

    Raises:
        BadInput: the file is missing, no image, cut short, or above :data:`PIXEL_LIMIT`.
    """
    try:
        with Image.open(path, formats=formats()) as image:
            width, height = image.size
            if width * height > PIXEL_LIMIT:
                raise BadInput(
                    f"{path}: {width}×{height} pixels are more than the {PIXEL_LIMIT // 10**6} megapixels "
                    "a photo may have; reduce it first."
                )
            image.load()  # before EXIF is read: a TIFF is turned by Pillow as it loads
            turn = _UPRIGHT.get(image.getexif().get(_ORIENTATION, 1))
            upright = image.copy() if turn is None else image.transpose(turn)
    except _DAMAGE as error:
        raise _unreadable(path, error) from error
    try:
        return to_rgb(upright)
    except ValueError as error:
        raise _unreadable(path, error) from error


def to_rgb(image: Image.Image) -> np.ndarray:
    """Any Pillow image → uint8 (H, W, 3) RGB.

    Raises:
        ValueError: 32-bit samples whose white cannot be known.
    """
    if image.mode.startswith("I;16"):
        return _grey(_from_16_bit(np.asarray(image)))
    if image.mode == "I":
        return _grey(_from_16_bit(_within(np.asarray(image), 65535)))
    if image.mode == "F":
        unit = _within(np.asarray(image), 1.0)
        return _grey((unit * 255).round().astype(np.uint8))
    if "transparency" in image.info or image.mode in ("RGBA", "RGBa", "LA", "La", "PA"):
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("RGB"))


def _grey(samples: np.ndarray) -> np.ndarray:
    return np.repeat(samples[..., None], 3, axis=2)


def _from_16_bit(samples: np.ndarray) -> np.ndarray:
    return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _within(samples: np.ndarray, white: float) -> np.ndarray:
    if not (samples.min() >= 0 and samples.max() <= white):
        raise ValueError(f"32-bit samples outside 0…{white:g}")
    return samples


def _unreadable(path: Path | str, error: BaseException) -> BadInput:
    if isinstance(error, FileNotFoundError):
        reason = "no such file"
    elif isinstance(error, Image.UnidentifiedImageError):
        reason = "not an image in a known format"
    else:
        reason = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
    return BadInput(f"{path}: cannot be read as a photo ({reason}); repair or remove it.")
