"""Edges that a small network learns of lightness, upon Levin's own."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.parts.layers.affinity import VARIANCE_SHARE, affinity, shifted, symmetric_affinity
from zoo.parts.layers.lower_bound import at_least

DILATIONS = (1, 2, 4, 8)
"""Of the four convolutions: they see 31 pixels."""

_STEEP = 150.0
"""How much faster than a convolution's weights the distance of two features grows, squared and all."""

_QUICK = 30.0
"""How much faster than a weight the share of learned edges grows, which some hundred steps must be able to make 1."""

_LEAK = 6e-6
"""What a learned weight is at least: no pixel is cut off."""


class DilatedConvolutions(nn.Module):
    """Lightness (N, 1, H, W) to itself and the maps of four convolutions, :attr:`channels` in all. Any size."""

    def __init__(self, width: int):
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv2d(coming, width, 3, padding=dilation, dilation=dilation, padding_mode="replicate")
            for dilation, coming in zip(DILATIONS, (1, width, width, width), strict=True)
        )
        self.channels = 1 + width * len(DILATIONS)

    def forward(self, lightness: Tensor) -> Tensor:
        maps = [lightness]
        for convolution in self.convolutions:
            maps.append(F.leaky_relu(convolution(maps[-1]), 0.1))
        return torch.cat(maps, dim=1)


class LearnedEdges(nn.Module):
    """Maps (N, C, H, W) and lightness (N, 1, H, W) in [0, 1] to weights (N, 8, H, W), the sum over neighbours 1.

    Features f and a share g in [0, 1] of every pixel, by a 1×1 convolution each::

        w_rs = (1 − g_r) w^Levin_rs + g_r v_rs / Σ_s v_rs        v_rs = exp(−(Y_r − Y_s)² / 2σ_rs² − ‖f_r − f_s‖²)

    w^Levin as in :mod:`~zoo.parts.layers.affinity`. The edges v, alike from both sides, are those of learned graph
    regularisation (LGR, arXiv:2203.14297) upon Levin's lightness. g starts at zero everywhere: the weights start as
    Levin's.

    Args:
        channels: C.
        features: length of f.
        share: 2σ² as a share of the variance of lightness.
    """

    def __init__(self, channels: int, *, features: int, share: float = VARIANCE_SHARE):
        super().__init__()
        self.share = share
        self.features = nn.Conv2d(channels, features, 1)
        self.mixed = nn.Conv2d(channels, 1, 1)
        nn.init.normal_(self.features.weight, std=1e-3)
        for parameter in self.mixed.parameters():
            nn.init.zeros_(parameter)

    def forward(self, seen: Tensor, lightness: Tensor) -> Tensor:
        # under autocast too: the equations are not for half precision
        feature = self.features(seen).to(lightness.dtype)
        mixed = at_least(_QUICK * self.mixed(seen).to(lightness.dtype), 0.0).clamp_max(1.0)
        inside = torch.cat(shifted(torch.ones_like(lightness)), dim=1)
        distance = torch.cat([(near - feature).square().sum(1, keepdim=True) for near in shifted(feature)], dim=1)
        learned = symmetric_affinity(lightness, share=self.share) * torch.exp(-_STEEP * distance) + _LEAK * inside
        total = learned.sum(1, keepdim=True)
        total = torch.where(total > 0, total, 1.0)
        return (1 - mixed) * affinity(lightness, share=self.share) + mixed * (learned / total)
