"""How much of its colour a pixel takes from each of its eight neighbours (Levin et al. 2004, eq. 2)."""

from __future__ import annotations

import math

import numpy as np

NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
"""(down, across) of a pixel's neighbours in its 3×3 window; the first axis of every weight array."""

VARIANCE_SHARE = 0.6
"""2σ_r² as a share of the window's variance, as the authors' code has it (the paper leaves it open)."""

VARIANCE_FLOOR = 2e-6
"""The least 2σ_r², for lightness in [0, 1]."""

LEAST_LARGEST = 0.01
"""σ_r grows until the pixel's nearest neighbour in lightness weighs this much before normalisation."""


def neighbours(values: np.ndarray, outside: float = np.nan) -> np.ndarray:
    """(H, W) → (8, H, W): each pixel's neighbours in the order of :data:`NEIGHBOURS`."""
    height, width = values.shape
    padded = np.pad(values, 1, constant_values=outside)
    return np.stack([padded[1 + y : 1 + y + height, 1 + x : 1 + x + width] for y, x in NEIGHBOURS])


def affinity(lightness: np.ndarray) -> np.ndarray:
    """w_rs ∝ exp(−(Y_r − Y_s)² / 2σ_r²) over the 3×3 window of r, σ_r² from the window's variance.

    Args:
        lightness: (H, W) float64 in [0, 1].

    Returns:
        (8, H, W) float64: w_rs at r = (·, y, x) for the s of :data:`NEIGHBOURS`; 0 outside the photo, and the
        eight sum to 1 (but for a photo of one pixel, which has no neighbour).
    """
    around = neighbours(lightness)
    inside = ~np.isnan(around)
    around = np.where(inside, around, lightness)  # a stand-in; whatever is outside gets weight 0
    count = 1 + inside.sum(0)
    mean = (lightness + (around * inside).sum(0)) / count
    variance = ((lightness - mean) ** 2 + ((around - mean) ** 2 * inside).sum(0)) / count
    distance = np.where(inside, (around - lightness) ** 2, np.inf)
    nearest = np.where(inside.any(0), distance.min(0), 0.0)
    spread = np.maximum(VARIANCE_SHARE * variance, nearest / -math.log(LEAST_LARGEST))
    return normalised(np.exp(-distance / np.maximum(spread, VARIANCE_FLOOR)))


def normalised(weights: np.ndarray) -> np.ndarray:
    """(8, H, W) scaled to sum 1 over the neighbours; all zero stays all zero."""
    total = weights.sum(0)
    return weights / np.where(total > 0, total, 1.0)
