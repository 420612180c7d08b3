"""Several samplers in one training: each photo's hints come from one of them, by chance."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Annotated, Any

import torch
from torch import Tensor

from zoo.core.assemble import make
from zoo.core.errors import BadInput
from zoo.core.kinds import Names


class Mixed:
    """For every photo one of several samplers is drawn, and gives it its hints.

    A network knows how to use the hints it has seen: one trained on single pixels alone takes a click's patch
    for something else, and gets worse with every click (U-Net, by 2.8 dB over 200 patches of 6×6, trained so in
    the suite ``quick``). A mixture of what it will meet makes one network serve them all.

    Args:
        hints: registered hint samplers, by name or as ``{name: ..., **options}``.
        weights: how often each is drawn, in proportion; None: equally often.
        dropout: the share of photos that lose hints: of each such photo's hinted pixels a part is left out that is
            uniform in [0, 1], so that all densities down to none are met (OGNI-DC, arXiv:2406.11711: a half).

    Raises:
        BadInput: no sampler, weights that are not one positive number for each, or a dropout outside [0, 1].
    """

    def __init__(
        self,
        hints: Annotated[Sequence[str | dict[str, Any]], Names("hints")] = ("pixels", "points"),
        weights: Sequence[float] | None = None,
        dropout: float = 0.0,
    ) -> None:
        if not hints:
            raise BadInput("hints 'mixed': there are no hints to mix; name one sampler or more, as [pixels, points].")
        if weights is not None and (len(weights) != len(hints) or min(weights) <= 0):
            raise BadInput(f"hints 'mixed': weights are {list(weights)}; give a positive number for each sampler.")
        if not 0 <= dropout <= 1:
            raise BadInput(f"hints 'mixed': dropout is {dropout}; give the share of photos, from 0 to 1.")
        self.dropout = dropout
        self.samplers = [make("hints", sampler) for sampler in hints]
        self.shares = list(accumulate(weights or [1.0] * len(hints)))

    def __call__(self, ab: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        drawn = torch.rand(ab.shape[0], 1, 1, 1, generator=generator, device=ab.device) * self.shares[-1]
        # All samplers see the whole batch: to give each its own photos, the host would have to wait for the draw.
        hint_ab, hint_mask = self.samplers[0](ab, generator)
        for sampler, share in zip(self.samplers[1:], self.shares[:-1], strict=True):
            other_ab, other_mask = sampler(ab, generator)
            hint_ab = torch.where(drawn < share, hint_ab, other_ab)
            hint_mask = torch.where(drawn < share, hint_mask, other_mask)
        if not self.dropout:
            return hint_ab, hint_mask
        kept = self._kept(hint_mask, generator)
        return hint_ab * kept, hint_mask * kept

    def _kept(self, mask: Tensor, generator: torch.Generator) -> Tensor:
        """(N, 1, H, W): 1 where a pixel may keep its hint."""
        chosen, part = torch.rand(2, mask.shape[0], 1, 1, 1, generator=generator, device=mask.device)
        lost = torch.where(chosen < self.dropout, part, 0.0)
        return (torch.rand(mask.shape, generator=generator, device=mask.device) >= lost).to(mask.dtype)
