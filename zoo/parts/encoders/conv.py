"""The contracting path of a U-Net, of any block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.assemble import make
from zoo.core.contracts import Level, Pyramid
from zoo.core.errors import BadInput
from zoo.core.kinds import Names


class ConvEncoder(nn.Module):
    """``depth`` stages of one block each, with a 2×2 pooling between them (arXiv:1505.04597, Fig. 1).

    (N, in, H, W) to a pyramid of maps (N, width · 2^i, ⌊H / 2^i⌋, ⌊W / 2^i⌋), i = 0 … depth − 1.

    Args:
        block: a registered block, by name or as ``{name: ..., **options}``.
        width: channels of the finest map; they double from map to map.
        depth: how many maps.
        max_width: no map has more channels than this.
        pool: ``max`` or ``average``.
        indices: also give the indices of the max-pooling, for decoders that unpool.

    Raises:
        BadInput: a width or depth below 1, or indices of an average pooling.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        block: Annotated[str | Mapping[str, Any], Names("blocks")] = "double_conv",
        width: int = 64,
        depth: int = 5,
        max_width: int | None = None,
        pool: Literal["max", "average"] = "max",
        indices: bool = False,
    ):
        super().__init__()
        if min(width, depth) < 1:
            raise BadInput(f"An encoder of width {width} and depth {depth} has no maps; give 1 or more of each.")
        if indices and pool != "max":
            raise BadInput("An average pooling has no indices; use pool: max.")
        self.pool = pool
        self.indices = indices
        widths = [min(width * 2**i, max_width or width * 2**i) for i in range(depth)]
        self.levels = tuple(Level(channels, 2**i) for i, channels in enumerate(widths))
        self.stages = nn.ModuleList(
            make("blocks", block, before, channels)
            for before, channels in zip((in_channels, *widths), widths, strict=False)
        )

    def forward(self, x: Tensor) -> Pyramid:
        pyramid = Pyramid([self.stages[0](x)])
        for stage in self.stages[1:]:
            pyramid.maps.append(stage(self._pooled(pyramid)))
        return pyramid

    def _pooled(self, pyramid: Pyramid) -> Tensor:
        finest = pyramid.maps[-1]
        if self.pool == "average":
            return F.avg_pool2d(finest, 2)
        if not self.indices:
            return F.max_pool2d(finest, 2)
        pooled, indices = F.max_pool2d(finest, 2, return_indices=True)
        pyramid.pool_indices.append(indices)
        return pooled
