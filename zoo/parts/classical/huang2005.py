"""Levin's optimisation with edges that colour does not cross."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import sobel, uniform_filter
from torch import Tensor, nn

from zoo.core.errors import BadInput
from zoo.parts.layers.affinity import NEIGHBOURS
from zoo.parts.layers.propagation import affinity, neighbours, normalised, propagate_hints

FLAT = 0.02
"""A step in lightness below this share of its range is noise, not an edge, whatever is around it."""

_ACROSS = ((0, 1), (1, 1), (1, 0), (1, -1))
"""(down, across) of the gradient's direction, in turns of 45°."""


class Huang2005(nn.Module):
    """condition (N, 4, H, W) to ab (N, 2, H, W), like :class:`~zoo.parts.classical.levin2004.Levin2004`.

    Huang, Tung, Chen, Wang, Wu: An Adaptive Edge Detection Based Colorization Algorithm and Its Applications,
    ACM Multimedia 2005: Levin's cost made sensitive to edge information, against colour bleeding over object
    boundaries. No public code; the detector (:func:`~zoo.parts.classical.huang2005.adaptive_edges`) and the cut
    are ours: an edge pixel takes colour from all sides and gives none, unless it is hinted.

    Args:
        window: side of the surroundings an edge has to stand out from, in pixels.
        strictness: by how many of their standard deviations.
        leak: what a cut weight is multiplied by; above 0, so that a region without a hint is still coloured.

    Raises:
        BadInput: a leak outside (0, 1], or a window below 1.
    """

    stride = 1
    on_host = True

    def __init__(self, *, window: int = 15, strictness: float = 1.0, leak: float = 0.1):
        super().__init__()
        if not 0 < leak <= 1:
            raise BadInput(f"huang2005: leak={leak} is not in (0, 1]; 1 cuts nothing.")
        if window < 1:
            raise BadInput(f"huang2005: window={window} is no size; give a side in pixels, such as 15.")
        self.window, self.strictness, self.leak = window, strictness, leak

    def forward(self, condition: Tensor) -> Tensor:
        return propagate_hints(condition, self.weigh)

    def weigh(self, lightness: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Levin's weights, those over edges cut: (8, H, W), summing to 1."""
        edges = adaptive_edges(lightness, window=self.window, strictness=self.strictness)
        return normalised(affinity(lightness) * np.where(over_edges(edges, known), self.leak, 1.0))


def over_edges(edges: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Which of a pixel's neighbours lie over an edge: bool (8, H, W).

    That is an edge pixel with no hint of its own, seen from beside the edge; and, on a diagonal, what is seen
    between two edge pixels.
    """
    around = neighbours(edges.astype(np.int8), outside=0).astype(bool)
    hinted = neighbours(known.astype(np.int8), outside=0).astype(bool)
    over = around & ~hinted & ~edges
    side = dict(zip(NEIGHBOURS, around, strict=True))
    for number, (y, x) in enumerate(NEIGHBOURS):
        if y and x:
            over[number] |= side[y, 0] & side[0, x] & ~edges
    return over


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
