"""Hypercolumns: every pixel described by all layers above it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.contracts import Level, Pyramid
from zoo.core.errors import BadInput


class HypercolumnDecoder(nn.Module):
    """All maps of a pyramid brought to one size and concatenated, then 1×1 convolutions and ReLUs.

    A pyramid to (N, 16 · width, H / reduction, W / reduction). Source: Hariharan et al. 2015 (arXiv:1411.5752,
    section 3); as a colorizer Larsson et al. 2016 (arXiv:1603.06668, section 3.1), whose ``h_fc1`` has 1024 channels on
    VGG16, 16 times those of conv1_1. Larsson's hypercolumn of 12,417 channels is the encoder ``vgg`` with
    ``taps: all`` and a classifier; they too sample it more sparsely than the photo.

    The first convolution is computed as Hariharan et al. do (section 3.2): a 1×1 convolution of a concatenation is the
    sum of one per map, and resizing, which is linear, may follow it. No hypercolumn is ever stored.

    Args:
        levels: of the pyramid, fine to coarse.
        reduction: of the result; maps finer than that are averaged down, coarser ones enlarged bilinearly.
        width: of the trunk's first stage; the 1×1 convolutions have 16 times as many channels.
        layers: how many 1×1 convolutions.

    Raises:
        BadInput: no levels, or a reduction, width or number of layers below 1.
    """

    def __init__(self, levels: Sequence[Level], *, reduction: int = 4, width: int = 64, layers: int = 1):
        super().__init__()
        if min(len(levels), reduction, width, layers) < 1:
            raise BadInput(
                "A hypercolumn needs levels, a reduction, a width and layers of 1 or more, not "
                f"{len(levels)}, {reduction}, {width} and {layers}."
            )
        self.reduction = reduction
        self.channels = 16 * width
        self.reductions = [level.reduction for level in levels]
        self.columns = nn.ModuleList(
            nn.Conv2d(level.channels, self.channels, 1, bias=i == 0) for i, level in enumerate(levels)
        )
        self._start_as_one_convolution(sum(level.channels for level in levels))
        self.deeper = nn.Sequential()
        for _ in range(layers - 1):
            self.deeper.extend([nn.Conv2d(self.channels, self.channels, 1), nn.ReLU(inplace=True)])

    def forward(self, pyramid: Pyramid) -> Tensor:
        height, width = pyramid.maps[0].shape[-2:]
        size = height * self.reductions[0] // self.reduction, width * self.reductions[0] // self.reduction
        hidden = self._column(0, pyramid, size)
        for i in range(1, len(self.columns)):
            hidden = hidden + self._column(i, pyramid, size)
        return self.deeper(F.relu(hidden))

    def _column(self, i: int, pyramid: Pyramid, size: tuple[int, int]) -> Tensor:
        x = pyramid.maps[i]
        if self.reductions[i] < self.reduction:  # shrink first: fewer pixels to convolve
            return self.columns[i](F.adaptive_avg_pool2d(x, size))
        projected = self.columns[i](x)
        if self.reductions[i] == self.reduction:
            return projected
        return F.interpolate(projected, size, mode="bilinear", align_corners=False)

    @torch.no_grad()
    def _start_as_one_convolution(self, fan_in: int) -> None:
        """He's initialisation of the one convolution over all maps that these are together."""
        for column in self.columns:
            nn.init.normal_(column.weight, std=(2 / fan_in) ** 0.5)  # type: ignore[arg-type]
            if column.bias is not None:
                nn.init.zeros_(column.bias)  # type: ignore[arg-type]
