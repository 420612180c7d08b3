"""The encoder of ENet."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.contracts import Level, Pyramid
from zoo.core.errors import BadInput
from zoo.parts.layers.enet_bottleneck import DownsamplingBottleneck, RegularBottleneck

_REGULAR, _ASYMMETRIC = {"dilation": 1}, {"asymmetric": 5}
_CYCLE = (
    _REGULAR,
    {"dilation": 2},
    _ASYMMETRIC,
    {"dilation": 4},
    _REGULAR,
    {"dilation": 8},
    _ASYMMETRIC,
    {"dilation": 16},
)
"""Bottlenecks 2.1 … 2.8, and again 3.1 … 3.8 (arXiv:1606.02147, Table 1)."""


class ENetEncoder(nn.Module):
    """Initial block and stages 1 to 3 of ENet (arXiv:1606.02147, Table 1): (N, in, H, W) to three maps.

    ============  ==========================================================  =========  =========
    map           made by                                                     channels   reduction
    ============  ==========================================================  =========  =========
    initial       3×3 convolution of stride 2 beside a 3×3 max-pooling        width      2
    stage 1       downsampling, 4 regular; dropout 0.01                       4 · width  4
    stages 2, 3   downsampling, twice 8: regular, dilated 2, asymmetric 5,    8 · width  8
                  dilated 4, regular, dilated 8, asymmetric 5, dilated 16;
                  dropout 0.1
    ============  ==========================================================  =========  =========

    The pyramid carries the indices of the two downsamplings. The published initial block has 13 + 3 maps, the 3 being
    the pooled RGB; here the pooled condition gives 4 and the convolution 12, 16 all the same (one at least:
    a width up to ``in_channels`` gets ``in_channels`` + 1).

    Args:
        width: maps of the initial block.

    Raises:
        BadInput: a width below 1.
    """

    def __init__(self, in_channels: int, *, width: int = 16):
        super().__init__()
        if width < 1:
            raise BadInput(f"An ENet encoder of width {width} has no maps; give 1 or more.")
        self.initial = InitialBlock(in_channels, width)
        first, middle, deep = self.initial.channels, 4 * width, 8 * width
        self.down1 = DownsamplingBottleneck(first, middle, activation=nn.PReLU, dropout=0.01)
        self.stage1 = _stage(middle, [_REGULAR] * 4, dropout=0.01)
        self.down2 = DownsamplingBottleneck(middle, deep, activation=nn.PReLU, dropout=0.1)
        self.stage2 = _stage(deep, _CYCLE, dropout=0.1)
        self.stage3 = _stage(deep, _CYCLE, dropout=0.1)
        self.levels = (Level(first, 2), Level(middle, 4), Level(deep, 8))

    def forward(self, x: Tensor) -> Pyramid:
        initial = self.initial(x)
        middle, first_indices = self.down1(initial)
        middle = self.stage1(middle)
        deep, second_indices = self.down2(middle)
        deep = self.stage3(self.stage2(deep))
        return Pyramid([initial, middle, deep], [first_indices, second_indices])


class InitialBlock(nn.Module):
    """(N, in, H, W) to (N, ``channels``, H/2, W/2): convolution and pooling side by side (Fig. 2a)."""

    def __init__(self, in_channels: int, width: int):
        super().__init__()
        convolved = max(width - in_channels, 1)
        self.channels = convolved + in_channels
        self.convolution = nn.Conv2d(in_channels, convolved, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(self.channels)
        self.activation = nn.PReLU()

    def forward(self, x: Tensor) -> Tensor:
        pooled = F.max_pool2d(x, 3, stride=2, padding=1)
        return self.activation(self.norm(torch.cat((self.convolution(x), pooled), dim=1)))


def _stage(channels: int, bottlenecks: Sequence[dict[str, int]], *, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        *(RegularBottleneck(channels, activation=nn.PReLU, dropout=dropout, **kind) for kind in bottlenecks)
    )
