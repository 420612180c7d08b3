"""A hint picture: which of its pixels are hints, and in which colour."""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from scipy import ndimage

from zoo.core.color import rgb_to_lab
from zoo.core.errors import BadInput
from zoo.core.photo import open_photo
from zoo.core.photo_files import formats, pixel_limit
from zoo.core.undisturbed import undisturbed

COLOURED = 25
"""A hint picture without transparency: pixels whose channels differ by more than this are hints."""

UNLIKE = 10.0
"""… and whose colour differs from the photo's own by more than this, in Lab units: a brown print hints no brown."""

EVEN = 6.0
"""Within 3×3 pixels of a painted mark, colour strays by less than this, in Lab units, even in a poor JPEG."""

_STRAYING = 3
"""Where a quarter of the unpainted pixels is neither grey nor the photo's colour by more than this, a camera saw it."""

_AROUND = np.ones((3, 3), bool)
_LOSSY = frozenset({"JPEG", "MPO", "WEBP", "AVIF", "HEIF", "JPEG2000"})

Hints = tuple[np.ndarray, np.ndarray]
"""``ab`` (H, W, 2) float32 in Lab units (about -110…110), and the mask (H, W) bool of where it holds."""


class GivenHints(NamedTuple):
    """The hints, and what was left out of their file, if anything: a sentence."""

    hints: Hints
    remark: str = ""


def read_picture(path: Path, photo: np.ndarray, content: bytes) -> GivenHints:
    """A hint picture: colours painted where the photo's colours are known.

    With transparency the pixels that are at least half opaque are hints; without (or where nothing is transparent),
    those that are not grey, by :data:`COLOURED`, and not the photo's own colour, by :data:`UNLIKE`. Such a picture may
    be noisy, from a camera or since it was saved as a JPEG, which scatters colours around every mark: its hints are
    those coloured pixels whose neighbours are coloured alike, and what was left out is said.

    Args:
        path: the picture.
        photo: uint8 (H, W, 3); the picture must have its size.
        content: the picture's bytes.

    Raises:
        BadInput: the file cannot be read, has another size, or holds no hint.
    """
    image = open_photo(content, name=str(path)).image
    height, width = photo.shape[:2]
    if image.size != (width, height):
        raise BadInput(
            f"{path} is {image.width}×{image.height} pixels and the photo {width}×{height}; "
            "hints must have the photo's size."
        )
    rgb = np.asarray(image.convert("RGB"))
    ab, remark = _ab(rgb), ""
    opaque = np.asarray(image.getchannel("A")) >= 128 if image.mode == "RGBA" else np.ones((height, width), bool)
    if opaque.all():
        apart = rgb.max(axis=2).astype(int) - rgb.min(axis=2)
        unlike = np.hypot(*np.moveaxis(ab - _ab(photo), 2, 0))
        mask = (apart > COLOURED) & (unlike > UNLIKE)
        if _is_lossy(content) or _strays(np.minimum(apart, unlike)[~mask]):
            mask, remark = _marks_alone(path, ab, mask)
    else:
        mask = opaque
    if not mask.any():
        raise BadInput(
            f"{path} holds no hint{', only noise' if remark else ''}; paint colours on a transparent picture, or on "
            "the grey photo, and save it as PNG."
        )
    return GivenHints((ab, mask), remark)


def _ab(rgb: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) → a*, b* (H, W, 2)."""
    return rgb_to_lab(torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None])[0, 1:].permute(1, 2, 0).numpy()


def _is_lossy(content: bytes) -> bool:
    """Whether a picture was saved in a way that lets colours run."""
    with undisturbed(pixel_limit()), Image.open(io.BytesIO(content), formats=formats()) as image:
        return image.format in _LOSSY and not (image.format == "WEBP" and b"VP8L" in content[:64])


def _strays(unpainted: np.ndarray) -> bool:
    return unpainted.size > 0 and float(np.percentile(unpainted, 75)) > _STRAYING


def _marks_alone(path: Path, ab: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, str]:
    """The pixels inside evenly coloured marks, and a sentence if others were in the mask."""
    stray = [ndimage.maximum_filter(plane, 3) - ndimage.minimum_filter(plane, 3) for plane in np.moveaxis(ab, 2, 0)]
    inside = ndimage.binary_erosion(mask, structure=_AROUND, border_value=1)
    kept = inside & (np.hypot(*stray) < EVEN)
    lost = int(mask.sum() - kept.sum())
    if not lost:
        return mask, ""
    return kept, (
        f"{path}: {lost} of its {int(mask.sum())} coloured pixels are noise or blurred edges and were left out; "
        "save hints as PNG, painted on transparency, and all of them are taken."
    )
