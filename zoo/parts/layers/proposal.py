"""Colours that a network proposes, and how far they are believed between hints."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from zoo.core.contracts import Prediction
from zoo.parts.layers.lower_bound import at_least

_QUICK = 10.0
"""How much faster than a weight the trust grows, which some hundred steps must be able to make 1."""

_FAR = 8
"""Halvings of the confidence that trust tells apart."""


class Proposal(nn.Module):
    """A proposal t of lightness alone, and a trust β in [0, 1] in it, made one answer with what hints say.

    With P what spreads colours from the hinted pixels to all::

        U = P(hint) + β (t − P(t))

    so that t adds what it says of a pixel beside what it says of the hints that reach it. For t = E[truth | lightness]
    and a P that knows no colours, β = 1 is in the mean square never worse than P(hint) and better by what t − P(t)
    has in it (the truth is t and an error that no function of lightness goes with: regression kriging). What a network
    has learned so far is not that t: hence β, by a 1×1 convolution of its maps and the confidence in the hints. t and
    β start at zero, and U at P(hint); in a photo without hints β is 1, and U is t.

    t is learned by a loss of its own (:class:`~zoo.parts.losses.auxiliary.Auxiliary` on ``ab_proposal``): no gradient
    of ``ab`` reaches it.

    Args:
        channels: of the maps (N, channels, H, W).
    """

    def __init__(self, channels: int):
        super().__init__()
        self.colours = nn.Conv2d(channels, 2, 1)
        self.trust = nn.Conv2d(channels + 1, 1, 1)
        for parameter in self.parameters():
            nn.init.zeros_(parameter)

    def forward(self, seen: Tensor, condition: Tensor, spread: Callable[[Tensor], tuple[Tensor, Tensor]]) -> Prediction:
        """``ab``, ``confidence``, and t as ``ab_proposal``.

        Args:
            seen: the maps.
            condition: (N, 4, H, W).
            spread: P, from lightness, colours and mask (N, 2 + C, H, W) to colours (N, C, H, W) and their confidence
                (N, 1, H, W): 1 at a hint, halved with every doubling of the way, 0 in a photo without hints.
        """
        lightness, hint_ab, mask = condition.split((1, 2, 1), dim=1)
        proposal = self.colours(seen).to(condition)
        known = proposal.detach()
        found, confidence = spread(torch.cat((lightness, hint_ab, known * mask, mask), dim=1))
        of_hints, of_proposal = found.split((2, 2), dim=1)
        ab = of_hints + self._trusted(seen.detach(), confidence) * (known - of_proposal)
        return {"ab": torch.where(mask > 0, hint_ab, ab), "confidence": confidence, "ab_proposal": proposal}

    def _trusted(self, seen: Tensor, confidence: Tensor) -> Tensor:
        """β (N, 1, H, W)."""
        halvings = -confidence.clamp_min(2.0**-_FAR).log2() / _FAR
        believed = self.trust(torch.cat((seen, halvings.to(seen)), dim=1)).to(confidence)
        return torch.where(confidence > 0, at_least(_QUICK * believed, 0.0).clamp_max(1.0), 1.0)
