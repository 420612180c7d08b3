"""The expanding path of a U-Net, of any block, skip and upsampling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any

from torch import Tensor, nn

from zoo.core.assemble import make
from zoo.core.contracts import Level, Pyramid
from zoo.core.errors import BadInput
from zoo.core.kinds import Names
from zoo.parts.layers.conv_unit import Mode, Upsample

MIN_CHANNELS = 16


class UNetDecoder(nn.Module):
    """From coarse to fine: upsample, join with the skip, block (arXiv:1505.04597, Fig. 1).

    A pyramid to (N, ``channels``, H, W) at full resolution. Each upsampling ends at the size and
    the channels of its skip, whatever their ratio; maps of one size are joined as they are. Where the finest map is
    smaller than the photo (timm's are), it goes on without skips, halving the channels down to 16.

    Args:
        levels: of the pyramid, fine to coarse.
        block: a registered block, by name or as ``{name: ..., **options}``.
        skip: a registered skip, likewise.
        finest_skip: another one for the finest map (the authors of the attention gate leave it ungated).
        upsample: how to enlarge, see :class:`~zoo.parts.layers.conv_unit.Upsample`.

    Raises:
        BadInput: no levels, or levels that are not fine to coarse.
    """

    reduction = 1

    def __init__(
        self,
        levels: Sequence[Level],
        *,
        block: Annotated[str | Mapping[str, Any], Names("blocks")] = "double_conv",
        skip: Annotated[str | Mapping[str, Any], Names("skips")] = "concat",
        finest_skip: Annotated[str | Mapping[str, Any] | None, Names("skips")] = None,
        upsample: Mode = "nearest",
    ):
        super().__init__()
        _check_order(levels)
        fine_to_coarse = [Level(*level) for level in levels]
        self.rises = nn.ModuleList()
        channels = fine_to_coarse[-1].channels
        for coarse, fine in pairwise(reversed(fine_to_coarse)):
            how = finest_skip if finest_skip is not None and fine is fine_to_coarse[0] else skip
            rise = Rise(channels, fine, coarse.reduction // fine.reduction, block, how, upsample)
            self.rises.append(rise)
            channels = fine.channels
        self.enlargements = nn.ModuleList()
        for scale in _steps(fine_to_coarse[0].reduction):
            narrower = max(channels // 2, min(channels, MIN_CHANNELS))
            self.enlargements.append(Enlargement(channels, narrower, scale, block, upsample))
            channels = narrower
        self.channels = channels

    def forward(self, pyramid: Pyramid) -> Tensor:
        *finer, x = pyramid.maps
        for rise, skip in zip(self.rises, reversed(finer), strict=True):
            x = rise(x, skip)
        for enlargement in self.enlargements:
            x = enlargement(x)
        return x


class Rise(nn.Module):
    """One step up the pyramid: (N, in, h, w) and the skip ``level``'s (N, C, H, W) to (N, C, H, W)."""

    def __init__(
        self,
        in_channels: int,
        level: Level,
        scale: int,
        block: str | Mapping[str, Any],
        skip: str | Mapping[str, Any],
        upsample: Mode,
    ):
        super().__init__()
        self.upsample = Upsample(in_channels, level.channels, scale=scale, mode=upsample) if scale > 1 else None
        gate_channels = level.channels if scale > 1 else in_channels
        self.skip = make("skips", skip, level.channels, gate_channels)
        self.block = make("blocks", block, self.skip.channels, level.channels)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        height, width = skip.shape[-2:]
        gate = x if self.upsample is None else self.upsample(x, (height, width))
        return self.block(self.skip(skip, gate))


class Enlargement(nn.Module):
    """A step up beyond the finest map, where there is no skip: (N, in, h, w) to (N, out, scale · h, scale · w)."""

    def __init__(self, in_channels: int, out_channels: int, scale: int, block: str | Mapping[str, Any], upsample: Mode):
        super().__init__()
        self.scale = scale
        self.upsample = Upsample(in_channels, out_channels, scale=scale, mode=upsample)
        self.block = make("blocks", block, out_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        return self.block(self.upsample(x, (self.scale * height, self.scale * width)))


def _check_order(levels: Sequence[Level]) -> None:
    reductions = [reduction for _, reduction in levels]
    if not reductions:
        raise BadInput("A U-Net decoder needs a pyramid of one level or more; this encoder has none.")
    if any(coarse % fine for fine, coarse in pairwise(reductions)):
        raise BadInput(
            f"A U-Net decoder needs levels fine to coarse, each reduction a multiple of the one before; "
            f"these are {reductions}."
        )


def _steps(reduction: int) -> list[int]:
    """Enlargements whose product is ``reduction``: by two as long as that divides it, 14 → 2, 7."""
    steps = []
    while reduction > 1:
        steps.append(2 if reduction % 2 == 0 else reduction)
        reduction //= steps[-1]
    return steps
