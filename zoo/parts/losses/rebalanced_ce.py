"""Colour as classification, rare colours counting more."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.core.color import AB_SCALE
from zoo.core.contracts import Batch, Prediction
from zoo.core.errors import BadInput
from zoo.parts.layers.ab_bins import soft_neighbours

GREY_LIMIT = 5.0
"""A photo in which no |a*| or |b*| exceeds this teaches nothing and does not count."""


class RebalancedCE:
    """−mean v(z) Σ_q z_q log ẑ_q over the pixels of photos that are not grey.

    Source: Zhang et al. 2016 (arXiv:1603.08511, eqs. 2 and 3): z is the softly encoded truth, v
    the weight of its strongest bin.

    Reads ``prediction["logits"]`` (N, Q, h, w), of any size below the photo's, to which the truth is
    sampled (nearest pixel, as the original); ``prediction["bins"]`` (Q, 2), their centres in Lab
    units (a*, b*); and ``prediction["class_weights"]`` (Q,) where the head has a prior, else every
    colour weighs 1.

    Args:
        k: neighbours in the soft encoding.
        sigma: its Gaussian's width in Lab units.

    Raises:
        BadInput: the colorizer predicts no ``logits`` with ``bins``.
    """

    def __init__(self, k: int = 10, sigma: float = 5.0) -> None:
        if k < 1 or not sigma > 0:
            raise BadInput(f"loss 'rebalanced_ce': k is {k} and sigma {sigma}; give k ≥ 1 and sigma > 0.")
        self.k = k
        self.sigma = sigma

    def __call__(self, prediction: Prediction, batch: Batch) -> Tensor:
        if "logits" not in prediction or "bins" not in prediction:
            raise BadInput(
                "loss 'rebalanced_ce' needs a head that predicts 'logits' and 'bins'; "
                "choose the head 'quantized' or take the loss out of the recipe."
            )
        log_probability = F.log_softmax(prediction["logits"].float(), dim=1)
        bins = prediction["bins"].float()
        ab = F.interpolate(batch.ab, size=log_probability.shape[2:], mode="nearest") * AB_SCALE
        z, nearest = soft_neighbours(ab, bins, k=self.k, sigma=self.sigma)
        cross_entropy = -(z * log_probability.gather(1, nearest)).sum(1)

        colourful = (batch.ab * AB_SCALE).abs().amax(dim=(1, 2, 3)) > GREY_LIMIT
        counted = colourful[:, None, None].expand_as(cross_entropy)
        weight = counted.float()
        if "class_weights" in prediction:
            weight = weight * prediction["class_weights"].float()[nearest[:, 0]]
        return torch.sum(weight * cross_entropy) / counted.sum().clamp_min(1)
