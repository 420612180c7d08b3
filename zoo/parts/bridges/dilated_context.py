"""Multi-scale context between an encoder and a decoder."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.contracts import Level, Pyramid
from zoo.core.errors import BadInput
from zoo.parts.blocks.context_module import ContextModule


class DilatedContext(nn.Module):
    """The context module of Yu & Koltun 2015 (arXiv:1511.07122) on one level of a pyramid; the others pass.

    Training starts where it would without the bridge: the module starts as the identity, up to noise. That holds for
    maps that are not negative, as after a ReLU; what is negative is truncated.

    The paper applies it to maps at 1/8 of the photo, of C = 21 classes. Where ``channels`` is given, it works on so
    many: a 1×1 convolution and a ReLU take the level's maps to C, and another 1×1 convolution, which starts at
    zero, takes what it found back, to be added. The large form, up to 32 · C maps wide, is only affordable so.

    Args:
        levels: of the pyramid, fine to coarse.
        form: ``basic``, or ``large``.
        reduction: the level is the one nearest to this (by ratio; the coarser of equals); None: the coarsest.
        channels: C; None: as many as the level has.
        noise: σ of the initialisation.

    Raises:
        BadInput: no levels, or fewer than one channel.
    """

    def __init__(
        self,
        levels: Sequence[Level],
        *,
        form: Literal["basic", "large"] = "basic",
        reduction: int | None = 8,
        channels: int | None = None,
        noise: float = 0.01,
    ):
        super().__init__()
        if not levels or (channels is not None and channels < 1):
            raise BadInput(f"Dilated context needs a level and a channel or more, not {len(levels)} and {channels}.")
        self.levels = tuple(levels)
        self.index = len(levels) - 1 if reduction is None else _nearest(levels, reduction)
        width = levels[self.index].channels
        self.context = ContextModule(channels or width, large=form == "large", noise=noise)
        self.reduce = self.expand = None
        if channels is not None:
            self.reduce = nn.Conv2d(width, channels, 1)
            self.expand = nn.Conv2d(channels, width, 1)
            nn.init.zeros_(self.expand.weight)
            nn.init.zeros_(self.expand.bias)  # type: ignore[arg-type]

    def forward(self, pyramid: Pyramid) -> Pyramid:
        maps = list(pyramid.maps)
        maps[self.index] = self._in_context(maps[self.index])
        return Pyramid(maps, pyramid.pool_indices)

    def _in_context(self, x: Tensor) -> Tensor:
        if self.reduce is None or self.expand is None:
            return self.context(x)
        return x + self.expand(self.context(F.relu(self.reduce(x))))


def _nearest(levels: Sequence[Level], reduction: int) -> int:
    distance = [abs(log2(level.reduction / reduction)) for level in levels]
    return max(i for i, d in enumerate(distance) if d == min(distance))
