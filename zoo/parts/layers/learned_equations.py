"""What a network learns of how colour spreads: edges upon Levin's, a proposal, and a trust in it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from zoo.parts.layers.affinity import VARIANCE_SHARE, affinity, shifted, symmetric_affinity
from zoo.parts.layers.lower_bound import at_least

_STEEP = 150.0
"""How much faster than a convolution's weights the distance of two features grows, squared and all."""

_QUICK = 30.0
"""How much faster than a weight the share of learned edges grows, which some hundred steps must be able to make 1."""

_STEEPER, _MOST = 4.0, 14.0
"""Trust is its least, times exp(4 x) − 1, with 4 x at most 14: from next to nothing to an anchor."""

_LEAK = 6e-6
"""What a learned weight is at least: no pixel is cut off."""


class Equations(NamedTuple):
    """(1 + c_r) U(r) = Σ_s w_rs U(s) + c_r t_r at every pixel that is not held.

    ``weights`` w (N, 8, H, W), the sum over the neighbours 1; ``proposal`` t (N, 2, H, W), ``trust`` c ≥ 0
    (N, 1, H, W).
    """

    weights: Tensor
    proposal: Tensor
    trust: Tensor


class LearnedEquations(nn.Module):
    """Maps (N, C, H, W) and lightness (N, 1, H, W) in [0, 1] to :class:`Equations`.

    A 1×1 convolution gives every pixel features f, a share g in [0, 1], a proposal t and a trust c::

        w_rs = (1 − g_r) w^Levin_rs + g_r v_rs / Σ_s v_rs        v_rs = exp(−(Y_r − Y_s)² / 2σ_rs² − ‖f_r − f_s‖²)

    w^Levin as in :mod:`~zoo.parts.layers.affinity`. The edges v, alike from both sides, are those of learned graph
    regularisation (LGR, arXiv:2203.14297) upon Levin's lightness. g and c start at zero everywhere, so that the
    equations start as Levin's.

    Args:
        channels: C.
        features: length of f.
        least_trust: the scale of c.
        share: 2σ² as a share of the variance of lightness.
    """

    def __init__(self, channels: int, *, features: int, least_trust: float, share: float = VARIANCE_SHARE):
        super().__init__()
        self.least_trust, self.share = least_trust, share
        self.features = nn.Conv2d(channels, features, 1)
        self.answers = nn.Conv2d(channels, 4, 1)
        nn.init.normal_(self.features.weight, std=1e-3)
        for parameter in self.answers.parameters():
            nn.init.zeros_(parameter)

    def forward(self, seen: Tensor, lightness: Tensor) -> Equations:
        # under autocast too: the equations are not for half precision
        feature = self.features(seen).to(lightness.dtype)
        proposal, trust, mixed = self.answers(seen).to(lightness.dtype).split((2, 1, 1), dim=1)
        inside = torch.cat(shifted(torch.ones_like(lightness)), dim=1)
        distance = torch.cat([(near - feature).square().sum(1, keepdim=True) for near in shifted(feature)], dim=1)
        learned = symmetric_affinity(lightness, share=self.share) * torch.exp(-_STEEP * distance) + _LEAK * inside
        total = learned.sum(1, keepdim=True)
        total = torch.where(total > 0, total, 1.0)
        mixed = at_least(_QUICK * mixed, 0.0).clamp_max(1.0)
        weights = (1 - mixed) * affinity(lightness, share=self.share) + mixed * (learned / total)
        # The learned edges' own equations are Σ v (U(r) − U(s)) + c (U(r) − t) = 0: their trust is divided with them.
        trust = self.least_trust * torch.expm1((_STEEPER * trust).clamp_max(_MOST)) / (1 - mixed + mixed * total)
        return Equations(weights, proposal, at_least(trust, 0.0))
