"""The formats a colorized photo can be written in, and how each is written."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from zoo.core.errors import BadInput
from zoo.studio.metadata import Metadata, srgb_profile


class Format(NamedTuple):
    """A format: Pillow's name for it, the suffixes it goes by (the first is written), whether it keeps transparency."""

    name: str
    suffixes: tuple[str, ...]
    alpha: bool
    options: dict[str, Any]


# Chroma is what we made: the lossy two keep it at full resolution or as well as they can. JPEG without `optimize`,
# whose result can outgrow Pillow's buffer; TIFF uncompressed, since Pillow compresses it without EXIF only.
FORMATS = {
    "png": Format("PNG", (".png",), True, {}),
    "jpg": Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), False, {"quality": 95, "subsampling": 0}),
    "webp": Format("WEBP", (".webp",), True, {"quality": 95, "method": 4}),
    "tiff": Format("TIFF", (".tiff", ".tif"), True, {"compression": "raw"}),
}
DEFAULT = "png"


def format_of(file: Path) -> str | None:
    """The format that a file's suffix means, as a key of :data:`FORMATS`; None for any other suffix."""
    suffix = file.suffix.lower()
    return next((key for key, form in FORMATS.items() if suffix in form.suffixes), None)


def encode(rgb: np.ndarray, form: str, *, alpha: np.ndarray | None = None, metadata: Metadata | None = None) -> bytes:
    """A picture as the bytes of a file.

    Args:
        rgb: uint8 (H, W, 3) sRGB; the file says so by its profile.
        form: a key of :data:`FORMATS`.
        alpha: uint8 (H, W), left out where the format has no transparency.
        metadata: what else the file says.

    Raises:
        BadInput: the format does not hold a picture of this size, or not what it has to say.
    """
    chosen = FORMATS[form]
    if alpha is not None and chosen.alpha:
        rgb = np.dstack((rgb, alpha))
    said = metadata.options(form, rgb.shape[1], rgb.shape[0]) if metadata else {}
    buffer = io.BytesIO()
    try:
        Image.fromarray(rgb).save(buffer, format=chosen.name, icc_profile=srgb_profile(), **{**chosen.options, **said})
    except (OSError, ValueError, OverflowError, MemoryError) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
        raise BadInput(
            f"A picture of {rgb.shape[1]}×{rgb.shape[0]} pixels cannot be written as {chosen.name} ({reason}); "
            "choose another --format."
        ) from error
    return buffer.getvalue()
