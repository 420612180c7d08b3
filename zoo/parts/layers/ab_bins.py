"""Colour as a choice among bins of the ab plane.

Zhang et al. 2016 (arXiv:1603.08511), section 2. Everything here is in Lab units (a*, b*), not in the
``ab`` tensor's 1/110.
"""

from __future__ import annotations

from functools import lru_cache
from typing import cast

import torch
from torch import Tensor, nn

from zoo.core.color import AB_SCALE, rgb_to_lab
from zoo.core.contracts import Prediction
from zoo.core.errors import BadInput

SPACING, LIMIT = 10, 110
GAMUT_BINS = 313
_SURFACE_STEPS = 64

INITIAL_SPREAD = 20.0
"""Lab units: a fresh network's distribution is this wide a Gaussian around grey, so its mean colour is grey."""

_INITIAL_STD = 0.1


def grid_bins() -> Tensor:
    """The whole grid of spacing 10 from −110 to 110: (529, 2) float64, sorted by a*, then b*."""
    axis = torch.arange(-LIMIT, LIMIT + 1, SPACING, dtype=torch.float64)
    return torch.cartesian_prod(axis, axis)


def gamut_bins(count: int = GAMUT_BINS) -> Tensor:
    """The ``count`` grid centres nearest to the sRGB gamut: (count, 2) float64, sorted by a*, then b*.

    The rule: distance in the ab plane to the surface of the sRGB cube, whose projection is all of the
    gamut's; ties by a*, then b*. With 313 it reaches every grid cell that the gamut touches; the
    paper's own 313, whose rule is not published, are the same but for three.
    """
    grid = grid_bins()
    distance = _distance_to_gamut().round(decimals=6)
    chosen = torch.argsort(distance, stable=True)[:count]
    return grid[chosen.sort().values]


@lru_cache(maxsize=1)
def _distance_to_gamut() -> Tensor:
    """(529,) float64. Sampling the surface finer does not change which 313 come out."""
    with torch.inference_mode(False):
        level = torch.linspace(0, 1, _SURFACE_STEPS, dtype=torch.float64)
        u, v = torch.meshgrid(level, level, indexing="ij")
        faces = [
            torch.stack(corner)
            for end in (torch.zeros_like(u), torch.ones_like(u))
            for corner in ((end, u, v), (u, end, v), (u, v, end))
        ]
        surface = rgb_to_lab(torch.stack(faces))[:, 1:].transpose(0, 1).flatten(1).T
        return torch.cdist(grid_bins(), surface.double()).amin(dim=1)


def soft_neighbours(ab: Tensor, bins: Tensor, k: int = 10, sigma: float = 5.0) -> tuple[Tensor, Tensor]:
    """The ``k`` bins nearest to each colour and how much each is meant, the nearest first.

    Args:
        ab: (N, 2, H, W) in Lab units.
        bins: (Q, 2) centres.
        sigma: width of the Gaussian over distance, in Lab units.

    Returns:
        weights (N, k, H, W), which sum to 1 over k, and bin indices (N, k, H, W) int64.
    """
    a, b = ab[:, 0, ..., None], ab[:, 1, ..., None]
    distance = (a - bins[:, 0]).square() + (b - bins[:, 1]).square()
    nearest, index = distance.topk(min(k, len(bins)), dim=-1, largest=False, sorted=True)
    weights = torch.softmax(-nearest / (2 * sigma**2), dim=-1)
    return weights.movedim(-1, 1), index.movedim(-1, 1)


def prior_weights(prior: Tensor, mix: float = 0.5) -> Tensor:
    """Class weights from how often each bin occurs (section 2.2, eq. 4).

    w ∝ ((1 − λ) p + λ / Q)⁻¹ with Σ p w = 1: the expected weight over the data is 1.

    Args:
        prior: (Q,) frequencies or counts, of any sum above 0.
        mix: λ, how much of the uniform distribution is mixed in.
    """
    p = prior / prior.sum()
    weights = 1 / ((1 - mix) * p + mix / len(p))
    return weights / (p * weights).sum()


def annealed_mean(logits: Tensor, bins: Tensor, temperature: float = 0.38) -> Tensor:
    """A colour from a distribution: between its mean (T = 1) and its mode (T → 0).

    Section 2.3, eq. 5: the distribution is sharpened by softmax(log z / T), then averaged.

    Args:
        logits: (N, Q, H, W).
        bins: (Q, 2).

    Returns:
        (N, 2, H, W) in the bins' units; at least float32.
    """
    dtype = torch.promote_types(logits.dtype, torch.float32)
    probability = torch.softmax(logits.to(dtype) / temperature, dim=1)
    with torch.autocast(logits.device.type, enabled=False):
        return torch.einsum("nqhw,qc->nchw", probability, bins.to(dtype))


class QuantizedAb(nn.Module):
    """A 1×1 convolution to one logit a bin (Zhang et al. 2016, arXiv:1603.08511, section 2.1).

    Features (N, C, H, W) to ``logits`` (N, Q, H, W), with the ``bins`` (Q, 2) they are about, in Lab units, and
    ``class_weights`` (Q,), how much each counts in a rebalanced loss: 1 until an objective sets that buffer.

    Args:
        channels: C.
        bins: Q, so many grid centres nearest to the sRGB gamut; 529 is the whole 23×23 grid.

    Raises:
        BadInput: fewer bins than two, or more than the grid has.
    """

    bins: Tensor
    class_weights: Tensor

    def __init__(self, channels: int, *, bins: int = GAMUT_BINS):
        super().__init__()
        # On the CPU even where a network is being laid out on the meta device: the bins are data, not storage.
        with torch.device("cpu"):
            available = len(grid_bins())
            if not 2 <= bins <= available:
                raise BadInput(f"A network that chooses among {bins} colours; give bins from 2 to {available}.")
            centres = gamut_bins(bins)
            self.register_buffer("bins", centres.float())
            self.register_buffer("class_weights", torch.ones(bins))
            initial = -centres.square().sum(1) / (2 * INITIAL_SPREAD**2)
        self.project = nn.Conv2d(channels, bins, 1)
        nn.init.normal_(self.project.weight, std=_INITIAL_STD / channels**0.5)
        with torch.no_grad():
            cast(Tensor, self.project.bias).copy_(initial)

    def forward(self, features: Tensor) -> Prediction:
        return {"logits": self.project(features), "bins": self.bins, "class_weights": self.class_weights}

    def colour(self, logits: Tensor, temperature: float) -> Tensor:
        """The annealed mean as ``ab`` (N, 2, H, W), float32: the distribution's mean at T = 1, its mode for T → 0."""
        return annealed_mean(logits, self.bins, temperature) / AB_SCALE
