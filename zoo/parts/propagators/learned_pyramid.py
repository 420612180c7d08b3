"""The pyramid with learned edges at its levels, and what a U-Net proposes beside the hints. All tensors."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.contracts import Prediction
from zoo.core.errors import BadInput
from zoo.parts.layers.conv_unit import ConvUnit, he_normal
from zoo.parts.layers.learned_edges import DilatedConvolutions, LearnedEdges
from zoo.parts.layers.proposal import Proposal
from zoo.parts.propagators.pyramid import halved
from zoo.parts.propagators.spun_pyramid import PYRAMIDS

WIDTHS = (1, 2, 4, 6, 8)
"""Maps of the U-Net's levels, in widths; a deeper one has as many as the last."""


class LearnedPyramid(nn.Module):
    """condition (N, 4, H, W) to ab, ``ab_proposal`` (N, 2, H, W) and confidence (N, 1, H, W). Any H, W ≥ 1.

    Two things are learned of lightness, apart. At each of the pyramid's finest levels a small network of that level's
    own learns edges (:class:`~zoo.parts.layers.learned_edges.LearnedEdges`), by which colours are spread as
    :class:`~zoo.parts.propagators.pyramid.PyramidPropagator` does, the hints' and the proposal's at the hints alike. A
    U-Net without normalisation gives the proposal and the trust in it
    (:class:`~zoo.parts.layers.proposal.Proposal`). It starts as what it is ``upon`` does. A photo without hints has
    the colours that are proposed.

    Batched, on any device, differentiable in everything, without data-dependent shapes.

    Args:
        width: maps of the small networks' convolutions, and of the U-Net's finest level; its levels below have 2, 4,
            6 and 8 times as many.
        depth: the U-Net's levels, 2 or more; edges are learned at all but its coarsest.
        features: of a pixel, by which edges are learned.
        sweeps, screening, share: as of the pyramid.
        upon: ``pyramid``, or ``spun_pyramid``: what it starts as. A training step upon the second takes twice as long.

    Raises:
        BadInput: a network without maps, or as the pyramid.
    """

    stride = 1

    def __init__(
        self,
        *,
        width: int = 16,
        depth: int = 5,
        features: int = 8,
        sweeps: int = 24,
        screening: float = 0.01,
        share: float = 0.4,
        upon: Literal["pyramid", "spun_pyramid"] = "pyramid",
    ):
        super().__init__()
        self.pyramid = PYRAMIDS[upon](sweeps=sweeps, screening=screening, share=share)
        if width < 1 or depth < 2 or features < 1:
            raise BadInput(
                f"learned_pyramid: width={width}, depth={depth} and features={features} are too few; give 1, 2 and 1 "
                "or more, such as 16, 5 and 8."
            )
        seen = [DilatedConvolutions(width) for _ in range(depth - 1)]  # of a coarser one nearly every pixel has a hint
        self.seen = nn.ModuleList(seen)
        self.edges = nn.ModuleList(
            LearnedEdges(each.channels, features=features, share=self.pyramid.share_at(level))
            for level, each in enumerate(seen)
        )
        channels = [width * WIDTHS[min(level, len(WIDTHS) - 1)] for level in range(depth)]
        self.down = nn.ModuleList(
            nn.Sequential(ConvUnit(coming, own, norm="none"), ConvUnit(own, own, norm="none"))
            for coming, own in pairwise([1, *channels])
        )
        self.up = nn.ModuleList(ConvUnit(coarse + fine, fine, norm="none") for fine, coarse in pairwise(channels))
        for module in (self.down, self.up):
            he_normal(module)
        self.proposal = Proposal(width)

    def forward(self, condition: Tensor) -> Prediction:
        found: Prediction = self.proposal(self.maps(condition[:, :1]), condition, self.spread)
        return found

    def spread(self, given: Tensor) -> tuple[Tensor, Tensor]:
        """Lightness, colours and mask (N, 2 + C, H, W) to the colours everywhere, and their confidence."""
        levels = self.pyramid.levels(given)
        learned = [
            edges(seen(2 * level.lightness - 1), level.lightness)
            for seen, edges, level in zip(self.seen, self.edges, levels[:-1], strict=False)
        ]
        return self.pyramid.descend(levels, learned)

    def maps(self, lightness: Tensor) -> Tensor:
        """The U-Net's finest; halved sides are rounded up."""
        found: list[Tensor] = []
        for down in self.down:
            found.append(down(halved(found[-1]) if found else lightness))
        seen = found.pop()
        for up in reversed(self.up):
            fine = found.pop()
            seen = up(torch.cat((fine, F.interpolate(seen, fine.shape[-2:], mode="nearest")), dim=1))
        return seen
