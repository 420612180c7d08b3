"""Levin's affinities for solvers in numpy: float64, a photo at a time (:mod:`zoo.parts.blocks.affinity`)."""

from __future__ import annotations

import numpy as np
import torch

from zoo.parts.blocks import affinity as levin
from zoo.parts.blocks.affinity import NEIGHBOURS as NEIGHBOURS


def neighbours(values: np.ndarray, outside: float = np.nan) -> np.ndarray:
    """(H, W) → (8, H, W): each pixel's neighbours in the order of :data:`NEIGHBOURS`."""
    height, width = values.shape
    padded = np.pad(values, 1, constant_values=outside)
    return np.stack([padded[1 + y : 1 + y + height, 1 + x : 1 + x + width] for y, x in NEIGHBOURS])


def affinity(lightness: np.ndarray) -> np.ndarray:
    """w_rs of Levin et al. 2004, eq. 2.

    Args:
        lightness: (H, W) float64 in [0, 1].

    Returns:
        (8, H, W) float64: w_rs at r = (·, y, x) for the s of :data:`NEIGHBOURS`; 0 outside the photo, and the
        eight sum to 1 (but for a photo of one pixel, which has no neighbour).
    """
    return np.asarray(levin.affinity(torch.from_numpy(np.ascontiguousarray(lightness))[None, None])[0].numpy())


def normalised(weights: np.ndarray) -> np.ndarray:
    """(8, H, W) scaled to sum 1 over the neighbours; all zero stays all zero."""
    return np.asarray(levin.normalised(torch.from_numpy(weights)[None])[0].numpy())
