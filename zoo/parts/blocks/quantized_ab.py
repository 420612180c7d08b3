"""Features to a distribution over bins of the ab plane."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from zoo.core.color import AB_SCALE
from zoo.core.contracts import Prediction
from zoo.core.errors import BadInput
from zoo.parts.blocks.ab_bins import GAMUT_BINS, annealed_mean, gamut_bins, grid_bins

INITIAL_SPREAD = 20.0
"""Lab units: a fresh network's distribution is this wide a Gaussian around grey, so its mean colour is grey."""

_INITIAL_STD = 0.1


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
