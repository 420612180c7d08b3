"""VGG16 as a pyramid: the trunk of FCN, SegNet and the hypercolumns."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.contracts import Level, Pyramid
from zoo.core.errors import BadInput
from zoo.parts.layers.conv_unit import Norm, he_normal
from zoo.parts.layers.vgg_stages import CONVOLUTIONS, vgg_stages

_CLASSIFIER_WIDTH = 64  # × width: the 4096 of fc6 and fc7


class VGGEncoder(nn.Module):
    """Thirteen 3×3 convolutions in five stages, each stage max-pooled (arXiv:1409.1556, Table 1, D).

    (N, in, H, W) to a pyramid, which ends at H / 32 with pool5, or with fc7 where there is a classifier. What
    comes before is chosen by ``taps``:

    * ``stages``: the last map of each stage, conv1_2 … conv5_3, reductions 1 … 16;
    * ``pools``: pool1 … pool4, reductions 2 … 16, as FCN fuses them;
    * ``all``: the input itself, every convolution, and fc6, as Larsson's hypercolumns take them
      (arXiv:1603.06668, section 3.1).

    At width 64 and three input channels the convolutions have 14,714,688 parameters.

    Args:
        width: channels of the first stage; the others have 2, 4, 8 and 8 times as many.
        norm: ``none`` as published, or ``batch``.
        classifier: fc6 (7×7) and fc7 (1×1) as convolutions of 64 · width channels (arXiv:1411.4038, section 3.1).
            fc6 is zero-padded by three, so that it keeps the size. Caffe's FCN left it unpadded and padded the
            photo by 100 instead, lest small photos vanish, then cropped by fixed offsets; here the colorizer
            has already reflected the photo to a multiple of 32, and nothing vanishes.
        dropout: after fc6 and fc7.
        taps: which maps come out, see above.
        indices: also give the indices of the five poolings, for decoders that unpool.

    Raises:
        BadInput: a width below 1, or indices without ``taps: stages``.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        width: int = 64,
        norm: Norm = "none",
        classifier: bool = False,
        dropout: float = 0.5,
        taps: Literal["stages", "pools", "all"] = "stages",
        indices: bool = False,
    ):
        super().__init__()
        if width < 1:
            raise BadInput(f"A VGG encoder of width {width} has no maps; give 1 or more.")
        if indices and taps != "stages":
            raise BadInput(f"Pool indices belong to the maps before the pooling; use taps: stages, not {taps!r}.")
        self.taps = taps
        self.indices = indices
        self.stages = vgg_stages(in_channels, width, norm)
        self.classifier = _classifier(8 * width, _CLASSIFIER_WIDTH * width, dropout) if classifier else nn.ModuleList()
        self.levels = tuple(_levels(in_channels, width, taps, classifier))

    def forward(self, x: Tensor) -> Pyramid:
        every = self.taps == "all"
        pyramid = Pyramid([x] if every else [])
        for number, stage in enumerate(self.stages, 1):
            for convolution in stage.children():
                x = convolution(x)
                if every:
                    pyramid.maps.append(x)
            if self.taps == "stages":
                pyramid.maps.append(x)
            x = self._pooled(x, pyramid)
            if self.taps == "pools" and number < len(self.stages):
                pyramid.maps.append(x)
        for convolution in self.classifier:
            before, x = x, convolution(x)
            if every and convolution is not self.classifier[0]:
                pyramid.maps.append(before)
        pyramid.maps.append(x)
        return pyramid

    def _pooled(self, x: Tensor, pyramid: Pyramid) -> Tensor:
        if not self.indices:
            return F.max_pool2d(x, 2)
        pooled, indices = F.max_pool2d(x, 2, return_indices=True)
        pyramid.pool_indices.append(indices)
        return pooled


def _classifier(in_channels: int, channels: int, dropout: float) -> nn.ModuleList:
    layers = nn.ModuleList()
    for before, kernel in ((in_channels, 7), (channels, 1)):
        convolution = nn.Conv2d(before, channels, kernel, padding=kernel // 2)
        layers.append(nn.Sequential(convolution, nn.ReLU(inplace=True), nn.Dropout(dropout)))
    he_normal(layers)
    return layers


def _levels(in_channels: int, width: int, taps: str, classifier: bool) -> list[Level]:
    widths = [width * factor for factor in (1, 2, 4, 8, 8)]
    last = [Level(_CLASSIFIER_WIDTH * width if classifier else widths[-1], 32)]
    if taps == "stages":
        return [Level(channels, 2**i) for i, channels in enumerate(widths)] + last
    if taps == "pools":
        return [Level(channels, 2 ** (i + 1)) for i, channels in enumerate(widths[:-1])] + last
    convolutions = [Level(widths[i], 2**i) for i, count in enumerate(CONVOLUTIONS) for _ in range(count)]
    return [Level(in_channels, 1), *convolutions, *(last if classifier else []), *last]
