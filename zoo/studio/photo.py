"""A photo on its way in: any file or image → uint8 RGB."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from zoo.core.errors import BadInput
from zoo.core.photo import read_photo, upright_rgb


def as_rgb(image: Any) -> np.ndarray:
    """A path, a Pillow image, or a uint8 array (H, W), (H, W, 1) or (H, W, 3) → uint8 (H, W, 3).

    Raises:
        BadInput: a file that cannot be read, or anything else.
    """
    if isinstance(image, str | Path):
        return read_photo(image)
    if isinstance(image, Image.Image):
        return upright_rgb(image)
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.size == 0:
        given = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise BadInput(f"The image is {given}; give a path, a Pillow image or a uint8 array (H, W, 3).")
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or image.shape[2] not in (1, 3):
        raise BadInput(f"The image has the shape {image.shape}; (H, W) or (H, W, 3) is expected.")
    return np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))
