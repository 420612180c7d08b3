"""How much of its colour a pixel takes from each of its eight neighbours (Levin et al. 2004, eq. 2)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
"""(down, across) of a pixel's neighbours in its 3×3 window; the channel of every weight."""

VARIANCE_SHARE = 0.6
"""2σ_r² as a share of the window's variance, as the authors' code has it (the paper leaves it open)."""

VARIANCE_FLOOR = 2e-6
"""The least 2σ_r², for lightness in [0, 1]."""

LEAST_LARGEST = 0.01
"""σ_r grows until the pixel's nearest neighbour in lightness weighs this much before normalisation."""


def neighbours(side: int) -> list[tuple[int, int]]:
    """(down, across) of the side² − 1 neighbours in a window, row by row; of 3 they are :data:`NEIGHBOURS`."""
    reach = range(-(side // 2), side // 2 + 1)
    return [(y, x) for y in reach for x in reach if (y, x) != (0, 0)]


def shifted(image: Tensor, outside: float = 0.0, *, side: int = 3) -> list[Tensor]:
    """(N, C, H, W) → for each of :func:`neighbours` the image (N, C, H, W) of that neighbour: views of one copy."""
    (height, width), reach = image.shape[-2:], side // 2
    padded = F.pad(image, (reach,) * 4, value=outside)
    return [padded[..., reach + y : reach + y + height, reach + x : reach + x + width] for y, x in neighbours(side)]


def affinity(lightness: Tensor, *, share: float = VARIANCE_SHARE) -> Tensor:
    """w_rs ∝ exp(−(Y_r − Y_s)² / 2σ_r²) over the 3×3 window of r, σ_r² from the window's variance.

    Args:
        lightness: (N, 1, H, W) in [0, 1].
        share: 2σ_r² as a share of the window's variance.

    Returns:
        (N, 8, H, W): w_rs at r = (·, y, x) for the s of :data:`NEIGHBOURS`; 0 outside the photo, and the
        eight sum to 1 (but for a photo of one pixel, which has no neighbour).
    """
    around, inside = _around(lightness)
    distance = (around - lightness).square()
    variance = _variance(lightness, around, inside)
    nearest = torch.where(inside > 0, distance, math.inf).amin(1, keepdim=True)
    spread = torch.maximum(share * variance, nearest.nan_to_num(posinf=0.0) / -math.log(LEAST_LARGEST))
    return normalised(torch.exp(distance / -spread.clamp_min(VARIANCE_FLOOR)) * inside)


def symmetric_affinity(lightness: Tensor, *, share: float = VARIANCE_SHARE) -> Tensor:
    """w_rs = exp(−(Y_r − Y_s)² / 2σ_rs²), σ_rs² of the mean variance of both windows: an edge is one from both sides.

    Args, Returns:
        as :func:`affinity`, but not scaled to sum 1: w_rs = w_sr.
    """
    around, inside = _around(lightness)
    variance = _variance(lightness, around, inside)
    both = (variance + torch.cat(shifted(variance), dim=1)) / 2
    return torch.exp(-(around - lightness).square() / (share * both + VARIANCE_FLOOR)) * inside


def _around(lightness: Tensor) -> tuple[Tensor, Tensor]:
    """The neighbours (N, 8, H, W), and 1 where they are inside the photo."""
    return torch.cat(shifted(lightness), dim=1), torch.cat(shifted(torch.ones_like(lightness)), dim=1)


def _variance(lightness: Tensor, around: Tensor, inside: Tensor) -> Tensor:
    """Of the 3×3 window, or of what there is of it: (N, 1, H, W)."""
    count = 1 + inside.sum(1, keepdim=True)
    mean = (lightness + around.sum(1, keepdim=True)) / count
    return ((lightness - mean).square() + ((around - mean).square() * inside).sum(1, keepdim=True)) / count


def normalised(weights: Tensor) -> Tensor:
    """(N, 8, H, W) scaled to sum 1 over the neighbours; all zero stays all zero."""
    total = weights.sum(1, keepdim=True)
    return weights / torch.where(total > 0, total, torch.ones_like(total))
