"""Edges of a lightness image, one pixel thin, by a threshold that adapts to the surroundings."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import sobel, uniform_filter

FLAT = 0.02
"""A step in lightness below this share of its range is noise, not an edge, whatever is around it."""

_ACROSS = ((0, 1), (1, 1), (1, 0), (1, -1))
"""(down, across) of the gradient's direction, in turns of 45°."""


def adaptive_edges(lightness: np.ndarray, *, window: int, strictness: float) -> np.ndarray:
    """Where the Sobel gradient is a crest and stands out from its surroundings.

    A crest is at least as high as both neighbours in the direction of the gradient. It stands out where it
    exceeds mean + ``strictness`` · standard deviation of the gradient over ``window``²: a faint outline in a
    smooth sky counts, a strand of grass does not.

    Args:
        lightness: (H, W) float64 in [0, 1].

    Returns:
        (H, W) bool.
    """
    down, across = (sobel(lightness, axis, mode="nearest") / 8 for axis in (0, 1))
    height = np.hypot(down, across)
    mean = uniform_filter(height, window, mode="nearest")
    spread = np.sqrt(np.maximum(uniform_filter(height**2, window, mode="nearest") - mean**2, 0))
    return _crest(height, down, across) & (height > np.maximum(mean + strictness * spread, FLAT))


def _crest(height: np.ndarray, down: np.ndarray, across: np.ndarray) -> np.ndarray:
    turn = np.round(np.arctan2(down, across) / (np.pi / 4)).astype(int) % 4
    rows, columns = height.shape
    padded = np.pad(height, 1, mode="edge")
    crest = np.zeros(height.shape, bool)
    for number, (y, x) in enumerate(_ACROSS):
        ahead = padded[1 + y : 1 + y + rows, 1 + x : 1 + x + columns]
        behind = padded[1 - y : 1 - y + rows, 1 - x : 1 - x + columns]
        # Of two equal pixels only one is the crest.
        crest |= (turn == number) & (height > ahead) & (height >= behind)
    return crest
