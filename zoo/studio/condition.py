"""What a colorizer is given of a photo: its lightness and its hints, at the size that the network works at."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from zoo.core.color import AB_SCALE, split_lab
from zoo.core.errors import BadInput
from zoo.studio.hint_picture import Hints
from zoo.studio.manner import WORKING_SIZE


def condition_of(rgb: np.ndarray, hints: Hints | None, size: int | None = None) -> Tensor:
    """What a colorizer is given of a photo (H, W, 3) at the working size: (1, 4, h, w).

    Raises:
        BadInput: hints of another size.
    """
    return condition_at(rgb, hints, working_size(rgb.shape[0], rgb.shape[1], size))


def working_size(height: int, width: int, size: int | None) -> tuple[int, int]:
    """What a photo is reduced to whose longer side may be ``size``: height and width."""
    limit = WORKING_SIZE if size is None else size
    scale = min(1.0, limit / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def condition_at(rgb: np.ndarray, hints: Hints | None, size: tuple[int, int]) -> Tensor:
    """The condition (1, 4, *size) of a photo (H, W, 3) reduced to ``size``."""
    height, width = size
    lightness, _ = split_lab(planes(reduced(rgb, size)))
    if hints is None:
        return torch.cat((lightness, torch.zeros(1, 3, height, width)), dim=1)
    hint_ab, mask = reduced_hints(hints, rgb.shape[:2], size)
    return torch.cat((lightness, hint_ab, mask), dim=1)


def reduced(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W, 3) at ``size``, height and width."""
    if rgb.shape[:2] == size:
        return rgb
    return np.asarray(Image.fromarray(rgb).resize(size[::-1], Image.Resampling.LANCZOS))


def check_hints(hints: Hints, full: tuple[int, ...]) -> None:
    """Raise BadInput for hints that are not of the photo's height and width."""
    ab, mask = np.shape(hints[0]), np.shape(hints[1])
    if ab != (*full, 2) or mask != full:
        raise BadInput(f"The hints have the shapes {ab} and {mask}; this photo wants {(*full, 2)} and {full}.")


def reduced_hints(hints: Hints, full: tuple[int, ...], size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """A working pixel is hinted where any pixel under it is, with the mean of those.

    Args:
        full: the photo's height and width.

    Returns:
        ab (1, 2, *size), divided by 110, and the mask (1, 1, *size), 0 or 1.

    Raises:
        BadInput: as :func:`check_hints`.
    """
    check_hints(hints, full)
    ab, mask = np.asarray(hints[0], dtype=np.float32), np.asarray(hints[1]).astype(bool)
    weight = torch.from_numpy(mask.astype(np.float32))[None, None]
    # where, not a product: what stands outside the mask may be NaN
    colour = torch.from_numpy(np.where(mask[..., None], ab, 0)).permute(2, 0, 1)[None] / AB_SCALE
    share = F.adaptive_avg_pool2d(weight, size)
    given = share > 0
    mean = F.adaptive_avg_pool2d(colour, size) / torch.where(given, share, 1)
    return mean, given.float()


def planes(rgb: np.ndarray) -> Tensor:
    """uint8 (H, W, 3) → uint8 (1, 3, H, W)."""
    return torch.from_numpy(np.require(rgb, requirements="W")).permute(2, 0, 1)[None]
