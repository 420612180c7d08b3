"""Eigen & Fergus's network: three scales, each refining the one before."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.contracts import CONDITION_CHANNELS, HINT_GAIN, Prediction
from zoo.core.errors import BadInput
from zoo.parts.layers.conv_unit import ConvUnit, he_normal, start_grey
from zoo.parts.layers.vgg_stages import vgg_stages


class EigenMultiscale(nn.Module):
    """The VGG form of the multi-scale network, as a colorizer (arXiv:1411.4734, Fig. 2 and section 3).

    Condition (N, 4, H, W), H and W multiples of 32, to ``ab`` (N, 2, H/2, W/2) by scale 3, and ``ab_scale2``
    (N, 2, H, W), the coarser prediction of scale 2 enlarged. To be trained in stages (section 4.4): scales 1 and 2
    together by a loss on ``ab_scale2``, then scale 3 while they are frozen; see the objective ``staged``.

    Args:
        width: of VGG's first stage; the 64 and 96 maps of the other layers and the 4096 of the fully connected one
            follow it.
        grid: side of the map that scale 1 sees, see :class:`GlobalScale`.

    Raises:
        BadInput: a width or grid below 1.
    """

    stride = 32
    hint_gain = HINT_GAIN

    def __init__(self, *, width: int = 64, grid: int = 8):
        super().__init__()
        if min(width, grid) < 1:
            raise BadInput(f"A multi-scale network needs a width and a grid of 1 or more, not {width} and {grid}.")
        features = max(width * 96 // 64, 1)
        self.scale1 = GlobalScale(width, grid)
        self.scale2 = RefiningScale(width, features, width, pool_stride=2, layers=3)
        self.scale3 = RefiningScale(2, features, width, pool_stride=1, layers=2)

    def forward(self, condition: Tensor) -> Prediction:
        height, width = condition.shape[-2:]
        coarse = self.scale1(condition)
        quarter = F.interpolate(coarse, (height // 4, width // 4), mode="bilinear", align_corners=False)
        ab_quarter = self.scale2(condition, quarter)
        ab_half = self.scale3(condition, F.interpolate(ab_quarter, (height // 2, width // 2), mode="nearest"))
        enlarged = F.interpolate(ab_quarter, (height, width), mode="bilinear", align_corners=False)
        return {"ab": ab_half, "ab_scale2": enlarged}


class GlobalScale(nn.Module):
    """Scale 1: VGG16's convolutions, then two fully connected layers that see the whole photo.

    (N, 4, H, W) to (N, ``width``, 2 · grid, 2 · grid). Theirs are connected to a map of the one size that a photo of
    320×240 gives, 9×7, and answer on 19×14. To take any size, pool5 is here averaged to grid × grid (repeated where it
    is smaller) and the answer, on a grid twice as fine, is resized by whoever reads it. With the default of 8 both are
    for 256×256 what theirs are for 320×240: pool5 itself, and 1/16 of the photo. Dropout 0.5 between them.
    """

    def __init__(self, width: int, grid: int):
        super().__init__()
        self.width = width
        self.grid = grid
        self.stages = vgg_stages(CONDITION_CHANNELS, width)
        self.connected = nn.Sequential(
            nn.Linear(8 * width * grid**2, 64 * width),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(64 * width, width * (2 * grid) ** 2),
            nn.ReLU(inplace=True),
        )
        he_normal(self.connected)

    def forward(self, x: Tensor) -> Tensor:
        for stage in self.stages:
            x = F.max_pool2d(stage(x), 2)
        x = F.adaptive_avg_pool2d(x, self.grid)
        return self.connected(x.flatten(1)).view(-1, self.width, 2 * self.grid, 2 * self.grid)


class RefiningScale(nn.Module):
    """Scales 2 and 3: features of the photo beside the coarser answer, then 5×5 convolutions.

    Condition (N, 4, H, W) and the coarser answer (N, coarse_channels, h, w) to ab (N, 2, h, w), h = H / 2 /
    ``pool_stride``. The photo goes through one 9×9 convolution of stride 2 and a 3×3 max-pooling.

    Args:
        features: maps of the 9×9 convolution.
        width: of each of the 5×5 convolutions, of which there are ``layers`` before the last.
    """

    def __init__(self, coarse_channels: int, features: int, width: int, *, pool_stride: int, layers: int):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(CONDITION_CHANNELS, features, 9, stride=2, padding=4),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=pool_stride, padding=1),
        )
        widths = [coarse_channels + features] + [width] * layers
        self.refine = nn.Sequential(*(ConvUnit(widths[i], widths[i + 1], kernel=5, norm="none") for i in range(layers)))
        he_normal(self)
        self.output = start_grey(nn.Conv2d(width, 2, 5, padding=2))

    def forward(self, condition: Tensor, coarse: Tensor) -> Tensor:
        joined = torch.cat((self.features(condition), coarse), dim=1)
        return self.output(self.refine(joined)).float()
