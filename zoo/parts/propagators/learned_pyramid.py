"""The pyramid with learned edges, proposals and trust at its levels, and a residual at the end. All tensors."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.contracts import HINT_GAIN, SPREAD_CHANNELS
from zoo.core.errors import BadInput
from zoo.parts.layers.conv_unit import ConvUnit, he_normal
from zoo.parts.layers.learned_equations import LearnedEquations
from zoo.parts.propagators.push_pull import PushPullPropagator
from zoo.parts.propagators.pyramid import PyramidPropagator, halved

WIDTHS = (1, 2, 4, 6, 8)
"""Maps of the network's levels, in widths; a deeper one has as many as the last."""


class LearnedPyramid(PyramidPropagator):
    """condition (N, 4, H, W) to ab (N, 2, H, W) and confidence (N, 1, H, W) in [0, 1]. Any H, W ≥ 1.

    A U-Net without normalisation reads lightness and the hints spread by
    :class:`~zoo.parts.propagators.push_pull.PushPullPropagator`. Its maps but the coarsest, where
    nearly every pixel has a hint, give the pyramid's finest levels learned edges, a proposal t and a trust c in it
    (:class:`~zoo.parts.layers.learned_equations.LearnedEquations`). From coarse to fine a level then solves::

        (1 + λ + c_r) U(r) = Σ_s w_rs U(s) + λ U_above(r) + c_r t_r

    as :class:`~zoo.parts.propagators.pyramid.PyramidPropagator` does; the finest maps, beside the colours found,
    give a residual that is added at pixels without a hint. Share of learned edges, trust and residual start at zero,
    so that it starts as ``pyramid`` does. A photo without hints has the colours that are proposed.

    Batched, on any device, differentiable in everything, without data-dependent shapes.

    Args:
        width: maps of the U-Net's finest level; below are 2, 4, 6 and 8 times as many.
        depth: its levels, 2 or more.
        features: of a pixel, by which edges are learned.
        sweeps, screening, share: as of the pyramid.

    Raises:
        BadInput: a network without maps, or as the pyramid.
    """

    def __init__(
        self,
        *,
        width: int = 16,
        depth: int = 5,
        features: int = 8,
        sweeps: int = 24,
        screening: float = 0.01,
        share: float = 0.4,
    ):
        super().__init__(sweeps=sweeps, screening=screening, share=share)
        if width < 1 or depth < 2 or features < 1:
            raise BadInput(
                f"learned_pyramid: width={width}, depth={depth} and features={features} are too few; give 1, 2 and 1 "
                "or more, such as 16, 5 and 8."
            )
        self.given = PushPullPropagator()
        channels = [width * WIDTHS[min(level, len(WIDTHS) - 1)] for level in range(depth)]
        inputs = [1 + SPREAD_CHANNELS, *channels[:-1]]
        self.down = nn.ModuleList(
            nn.Sequential(ConvUnit(coming, own, norm="none"), ConvUnit(own, own, norm="none"))
            for coming, own in zip(inputs, channels, strict=True)
        )
        self.up = nn.ModuleList(ConvUnit(coarse + fine, fine, norm="none") for fine, coarse in pairwise(channels))
        self.learned = nn.ModuleList(
            LearnedEquations(each, features=features, least_trust=screening, share=self.share_at(number))
            for number, each in enumerate(channels[:-1])
        )
        self.finish = ConvUnit(width + SPREAD_CHANNELS, width, norm="none")
        self.residual = nn.Conv2d(width, 2, 1)
        for module in (self.down, self.up, self.finish):
            he_normal(module)
        for parameter in self.residual.parameters():
            nn.init.zeros_(parameter)

    def forward(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        _, hint_ab, mask = condition.split((1, 2, 1), dim=1)
        maps = self.maps(condition)
        levels = self.levels(condition)
        learned = [
            equations(each, level.lightness)
            for equations, each, level in zip(self.learned, maps, levels[:-1], strict=False)
        ]
        colour, confidence = self.descend(levels, learned)
        seen = torch.cat((maps[0], (colour * HINT_GAIN).to(maps[0]), confidence.to(maps[0])), dim=1)
        colour = colour + self.residual(self.finish(seen)).to(colour)
        return torch.where(mask > 0, hint_ab, colour), confidence

    def maps(self, condition: Tensor) -> list[Tensor]:
        """The U-Net's, from the photo's size to the coarsest; halved sides are rounded up, as the pyramid's are."""
        spread, confidence = self.given(condition)
        seen = torch.cat((condition[:, :1], spread * HINT_GAIN, confidence), dim=1)
        found: list[Tensor] = []
        for down in self.down:
            seen = down(halved(seen) if found else seen)
            found.append(seen)
        for level in range(len(found) - 2, -1, -1):
            enlarged = F.interpolate(found[level + 1], found[level].shape[-2:], mode="nearest")
            found[level] = self.up[level](torch.cat((found[level], enlarged), dim=1))
        return found
