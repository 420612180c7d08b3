"""A photo on its way in: any file or image → uint8 RGB, and a hint picture → ab with its mask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps

from zoo.core.color import rgb_to_lab
from zoo.core.errors import BadInput
from zoo.core.photo import read_photo, to_rgb

COLOURED = 25
"""A hint picture without transparency: pixels whose channels differ by more than this are hints."""

Hints = tuple[np.ndarray, np.ndarray]
"""``ab`` (H, W, 2) float32 in Lab units (about -110…110), and the mask (H, W) bool of where it holds."""


def as_rgb(image: Any) -> np.ndarray:
    """A path, a Pillow image, or a uint8 array (H, W), (H, W, 1) or (H, W, 3) → uint8 (H, W, 3).

    Raises:
        BadInput: a file that cannot be read, or anything else.
    """
    if isinstance(image, str | Path):
        return read_photo(image)
    if isinstance(image, Image.Image):
        try:
            return to_rgb(ImageOps.exif_transpose(image))
        except (OSError, ValueError) as error:
            raise BadInput(f"The image cannot be read ({error}); convert it to RGB first.") from error
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.size == 0:
        given = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise BadInput(f"The image is {given}; give a path, a Pillow image or a uint8 array (H, W, 3).")
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or image.shape[2] not in (1, 3):
        raise BadInput(f"The image has the shape {image.shape}; (H, W) or (H, W, 3) is expected.")
    return np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))


def read_hints(path: Path, size: tuple[int, int]) -> Hints:
    """A hint picture: colours painted where the photo's colours are known.

    With transparency the pixels that are at least half opaque are hints; without, those that are not
    grey: whose largest and smallest channel differ by more than :data:`COLOURED`.

    Args:
        size: height and width of the photo, which the picture must have too.

    Raises:
        BadInput: the file cannot be read, has another size, or holds no hint.
    """
    rgb = read_photo(path)
    if rgb.shape[:2] != size:
        raise BadInput(
            f"{path} is {rgb.shape[1]}×{rgb.shape[0]} pixels and the photo {size[1]}×{size[0]}; "
            "hints must have the photo's size."
        )
    with Image.open(path) as image:
        transparent = "transparency" in image.info or image.mode in ("RGBA", "RGBa", "LA", "La", "PA")
        if transparent:
            rgba = np.asarray(ImageOps.exif_transpose(image).convert("RGBA"))
            rgb, mask = rgba[..., :3], rgba[..., 3] >= 128
        else:
            mask = rgb.max(axis=2).astype(int) - rgb.min(axis=2) > COLOURED
    if not mask.any():
        raise BadInput(
            f"{path} holds no hint; paint colours on a transparent picture, or on the grey photo, and save it as PNG."
        )
    lab = rgb_to_lab(torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None])
    return lab[0, 1:].permute(1, 2, 0).numpy(), mask
