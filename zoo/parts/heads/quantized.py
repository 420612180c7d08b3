"""Colour as a choice among bins."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.contracts import Prediction
from zoo.core.errors import BadInput
from zoo.parts.layers.ab_bins import GAMUT_BINS, QuantizedAb


class QuantizedHead(nn.Module):
    """A distribution over colours for every pixel, and its annealed mean as ``ab``.

    Source: Zhang et al. 2016 (arXiv:1603.08511, section 2). Features (N, C, H, W) to ``ab`` (N, 2, h, w) float32,
    ``logits`` (N, Q, h, w), ``bins`` (Q, 2) in Lab units and ``class_weights`` (Q,), with h = ⌈H / pool⌉.

    Args:
        bins: Q; 313 are those in the sRGB gamut, 529 the whole grid.
        temperature: T of the annealed mean; 1 is the mean, towards 0 the mode. The paper's is 0.38.
        pool: features are averaged over squares of this side first. The paper predicts at a quarter of the size
            (``pool: 4`` on features of full size); Q logits for every pixel of a large photo are a lot of memory.

    Raises:
        BadInput: a number of bins that the grid does not have, a temperature or a pool that is not positive.
    """

    residual = False

    def __init__(self, channels: int, *, bins: int = GAMUT_BINS, temperature: float = 0.38, pool: int = 1):
        super().__init__()
        if not temperature > 0 or pool < 1:
            raise BadInput(
                f"head 'quantized': temperature is {temperature} and pool {pool}; give a temperature above 0, pool ≥ 1."
            )
        self.temperature = temperature
        self.pool = pool
        self.quantized = QuantizedAb(channels, bins=bins)

    def forward(self, features: Tensor) -> Prediction:
        if self.pool > 1:
            features = F.avg_pool2d(features, self.pool, ceil_mode=True)
        prediction = self.quantized(features)
        return {"ab": self.quantized.colour(prediction["logits"], self.temperature), **prediction}
