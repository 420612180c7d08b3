"""Known colours spread over a photo: Levin's linear system, assembled and solved.

Every pixel that is not known has the weighted mean of its neighbours' colours, U(r) = Σ_s w_rs U(s)
(Levin et al. 2004, eq. 1 at its minimum, 0 for every free pixel, as the authors solve it). Known pixels
keep their colour to the bit. One sparse LU factorisation, scipy's, in float64 on one core, serves all channels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import scipy.sparse as sparse
import torch
from scipy.sparse.linalg import splu
from torch import Tensor

from zoo.parts.layers.affinity import NEIGHBOURS
from zoo.parts.layers.affinity import affinity as affinity_of
from zoo.parts.layers.affinity import normalised as normalised_of
from zoo.parts.layers.each_photo import each_photo

Weigh = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(lightness (H, W) in [0, 1], known (H, W)) → weights (8, H, W), as :func:`affinity` returns them."""

_SMALL = 16
"""Pixels a piece may have to be numbered as it comes."""


def neighbours(values: np.ndarray, outside: float = np.nan) -> np.ndarray:
    """(H, W) → (8, H, W): each pixel's neighbours in the order of :data:`~zoo.parts.layers.affinity.NEIGHBOURS`."""
    height, width = values.shape
    padded = np.pad(values, 1, constant_values=outside)
    return np.stack([padded[1 + y : 1 + y + height, 1 + x : 1 + x + width] for y, x in NEIGHBOURS])


def affinity(lightness: np.ndarray) -> np.ndarray:
    """w_rs of Levin et al. 2004, eq. 2 (:mod:`zoo.parts.layers.affinity`), of one photo.

    Args:
        lightness: (H, W) float64 in [0, 1].

    Returns:
        (8, H, W) float64: w_rs at r = (·, y, x) for the s of :func:`neighbours`; 0 outside the photo, and the
        eight sum to 1 (but for a photo of one pixel, which has no neighbour).
    """
    return np.asarray(affinity_of(torch.from_numpy(np.ascontiguousarray(lightness))[None, None])[0].numpy())


def normalised(weights: np.ndarray) -> np.ndarray:
    """(8, H, W) scaled to sum 1 over the neighbours; all zero stays all zero."""
    return np.asarray(normalised_of(torch.from_numpy(weights)[None])[0].numpy())


def weight_matrix(weights: np.ndarray) -> sparse.csr_array:
    """(8, H, W) → the sparse W of H·W rows, pixels numbered row by row."""
    _, height, width = weights.shape
    pixels = height * width
    number = np.arange(pixels).reshape(height, width)
    to = neighbours(number, outside=-1)
    inside = to >= 0
    rows = np.broadcast_to(number, to.shape)[inside]
    return sparse.csr_array((weights[inside], (rows, to[inside])), shape=(pixels, pixels))


class System:
    """Levin's equations of one photo, factored once for any number of right-hand sides and adjoints.

    For every free pixel U(r) = Σ_s w_rs U(s). Known pixels keep their colour.

    Args:
        weights: (8, H, W), the sum over the neighbours 1.
        known: (H, W) bool, not all of it False: nothing would be to be solved.
    """

    def __init__(self, weights: np.ndarray, known: np.ndarray):
        self.shape, fixed = known.shape, known.ravel()
        order = nested_dissection(*known.shape)
        self.free, self.held = order[~fixed[order]], np.flatnonzero(fixed)
        rows = weight_matrix(weights)[self.free]
        self._from_held = rows[:, self.held]
        system = (sparse.eye_array(len(self.free)) - rows[:, self.free]).tocsc()
        # Rows sum to at most 1 and the diagonal is 1, so it needs no pivoting: the order stays as dissected.
        natural = {"permc_spec": "NATURAL", "diag_pivot_thresh": 0.0, "options": {"SymmetricMode": True}}
        self._factors = splu(system, **natural) if len(self.free) else None

    def solve(self, colours: np.ndarray) -> np.ndarray:
        """Colours (H, W, C), read where known, to U (H, W, C) float64."""
        channels = colours.shape[-1]
        found = np.zeros((self.free.size + self.held.size, channels))
        found[self.held] = colours.reshape(-1, channels)[self.held]
        if self._factors is not None:
            found[self.free] = self._factors.solve(self._from_held @ found[self.held])
        return found.reshape(*self.shape, channels)

    def adjoint(self, gradient: np.ndarray) -> np.ndarray:
        """The gradient (H, W, C) of any function of U, to the multipliers of the equations: 0 at known pixels."""
        channels = gradient.shape[-1]
        found = np.zeros((self.free.size + self.held.size, channels))
        if self._factors is not None:
            found[self.free] = self._factors.solve(gradient.reshape(-1, channels)[self.free].astype(np.float64), "T")
        return found.reshape(*self.shape, channels)


def propagate(weights: np.ndarray, colours: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Spread the known colours.

    Args:
        weights: (8, H, W), the sum over the neighbours 1.
        colours: (H, W, C); read where ``known``.
        known: (H, W) bool. Where nothing is known there is nothing to spread, and the result is 0.

    Returns:
        (H, W, C) float64.
    """
    return System(weights, known).solve(colours) if known.any() else np.zeros(colours.shape)


def propagate_hints(condition: Tensor, weigh: Weigh) -> Tensor:
    """The hints of a batch spread photo by photo, on the CPU, wherever the condition lies.

    Args:
        condition: (N, 4, H, W).
        weigh: makes each photo's weights.

    Returns:
        ab (N, 2, H, W) float32 on the condition's device, without a gradient; grey where a photo has no hint.
    """
    return each_photo(condition, lambda lightness, colours, known: propagate(weigh(lightness, known), colours, known))


@lru_cache(maxsize=8)
def nested_dissection(height: int, width: int) -> np.ndarray:
    """The row-major numbers of the pixels in an order of elimination with little fill (George 1973).

    A line of pixels cuts the photo in two; both halves are numbered first, each cut again, and the line
    last. On the 8-connected grid of a 256×256 photo the factors have less than half the entries that
    SuperLU's default order (COLAMD) gives, and the solve takes a fifth of the time.

    Returns:
        int64 (height · width,), read-only.
    """
    pixels = np.arange(height * width).reshape(height, width)
    order = np.concatenate(list(_pieces(pixels))) if pixels.size else pixels.ravel()
    order.setflags(write=False)
    return order


def _pieces(pixels: np.ndarray) -> list[np.ndarray]:
    if pixels.size <= _SMALL:
        return [pixels.ravel()]
    if pixels.shape[0] < pixels.shape[1]:
        pixels = pixels.T
    middle = pixels.shape[0] // 2
    return [*_pieces(pixels[:middle]), *_pieces(pixels[middle + 1 :]), pixels[middle]]
