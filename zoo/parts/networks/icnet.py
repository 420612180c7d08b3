"""ICNet: most of the work at low resolution, the detail from cheap branches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.assemble import make
from zoo.core.contracts import CONDITION_CHANNELS, HINT_GAIN, Prediction
from zoo.core.errors import BadInput
from zoo.core.kinds import Names

_POOLS = (1, 2, 3, 6)


class ICNet(nn.Module):
    """The image cascade network, as a colorizer (arXiv:1704.08545, Fig. 2; widths of the released, pruned model).

    Condition (N, 4, H, W), H and W multiples of 32, to ``ab`` (N, 2, H/4, W/4), which the colorizer enlarges as the
    published network does its scores. Three branches:

    * low, at 1/32: a residual network to conv5_3, dilated 2 and 4, pooled over 1, 2, 3 and 6 bins. Up to conv3_1, at
      1/16, it shares the medium branch, as the released model does;
    * medium, from the photo at half size: conv1 … conv3_1, at 1/16;
    * high, from the full photo: three 3×3 convolutions of stride 2, at 1/8,

    fused from coarse to fine by :class:`~zoo.parts.networks.icnet.CascadeFusion`. While training, also
    ``ab_sub4`` and ``ab_sub24`` (N, 2, H, W): what a 1×1 convolution predicts from the low branch and from low and
    medium fused, for the loss ``auxiliary`` (weights 0.16 and 0.4 beside 1 for ``ab``, section 3.4).

    Args:
        width: of conv1; the other widths follow (2 in conv1_3, 4 … 32 times in conv2 … conv5, 4 in the fusions).
        head: a registered head, by name or as ``{name: ..., **options}``, for all three predictions.

    Raises:
        BadInput: a width below 1.
    """

    stride = 32
    hint_gain = HINT_GAIN

    def __init__(
        self,
        *,
        width: int = 32,
        head: Annotated[str | Mapping[str, Any], Names("heads")] = "ab",
    ):
        super().__init__()
        if width < 1:
            raise BadInput(f"An ICNet of width {width} has no maps; give 1 or more.")
        self.medium = nn.Sequential(
            _unit(CONDITION_CHANNELS, width, stride=2),
            _unit(width, width),
            _unit(width, 2 * width),
            nn.MaxPool2d(3, stride=2, padding=1),
            *_stage(2 * width, 4 * width, 3),
            DilatedBottleneck(4 * width, 8 * width, stride=2),
        )
        self.low = nn.Sequential(
            *_stage(8 * width, 8 * width, 3),
            *_stage(8 * width, 16 * width, 6, dilation=2),
            *_stage(16 * width, 32 * width, 3, dilation=4),
            PyramidPooling(),
            _unit(32 * width, 8 * width, kernel=1),
        )
        self.high = nn.Sequential(
            _unit(CONDITION_CHANNELS, width, stride=2), _unit(width, width, stride=2), _unit(width, 2 * width, stride=2)
        )
        self.fuse_medium = CascadeFusion(8 * width, 8 * width, 4 * width)
        self.fuse_high = CascadeFusion(4 * width, 2 * width, 4 * width)
        self.head_sub4 = make("heads", head, 8 * width)
        self.head_sub24 = make("heads", head, 4 * width)
        self.head = make("heads", head, 4 * width)

    def forward(self, condition: Tensor) -> Prediction:
        medium = self.medium(_halved(condition))
        low = self.low(_halved(medium))
        fused, sub4 = self.fuse_medium(low, medium)
        fused, sub24 = self.fuse_high(fused, self.high(condition))
        prediction: Prediction = self.head(_doubled(fused))
        if self.training:
            size = condition.shape[-2:]
            for key, head, features in (("ab_sub4", self.head_sub4, sub4), ("ab_sub24", self.head_sub24, sub24)):
                prediction[key] = F.interpolate(head(features)["ab"], size, mode="bilinear", align_corners=False)
        return prediction


class PyramidPooling(nn.Module):
    """x plus its averages over 1, 2, 3 and 6 bins a side, resized: (N, C, H, W) to the same shape.

    The sum of ICNet in place of PSPNet's concatenation; no parameters.
    """

    def forward(self, x: Tensor) -> Tensor:
        total = x
        for bins in _POOLS:
            pooled = F.adaptive_avg_pool2d(x, bins)
            total = total + F.interpolate(pooled, x.shape[-2:], mode="bilinear", align_corners=False)
        return total


def _unit(in_channels: int, out_channels: int, *, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel, stride=stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


def _stage(in_channels: int, out_channels: int, count: int, *, dilation: int = 1) -> list[nn.Module]:
    widths = [in_channels] + [out_channels] * count
    return [DilatedBottleneck(widths[i], widths[i + 1], dilation=dilation) for i in range(count)]


def _halved(x: Tensor) -> Tensor:
    height, width = x.shape[-2:]
    return F.interpolate(x, (height // 2, width // 2), mode="bilinear", align_corners=False)


def _doubled(x: Tensor) -> Tensor:
    height, width = x.shape[-2:]
    return F.interpolate(x, (height * 2, width * 2), mode="bilinear", align_corners=False)


class CascadeFusion(nn.Module):
    """Coarse (N, coarse_channels, h, w), fine (N, fine_channels, H, W): fused to (N, out, H, W); and coarse enlarged.

    The coarse map is enlarged bilinearly to (H, W) and convolved 3×3 with dilation 2, the fine one projected 1×1; both
    normalised, their sum rectified (arXiv:1704.08545, section 3.3 and Fig. 3). The enlarged map is what the
    auxiliary classifier reads while training (section 3.4).
    """

    def __init__(self, coarse_channels: int, fine_channels: int, out_channels: int):
        super().__init__()
        self.refine = nn.Sequential(
            nn.Conv2d(coarse_channels, out_channels, 3, padding=2, dilation=2, bias=False), nn.BatchNorm2d(out_channels)
        )
        self.project = nn.Sequential(
            nn.Conv2d(fine_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels)
        )

    def forward(self, coarse: Tensor, fine: Tensor) -> tuple[Tensor, Tensor]:
        enlarged = F.interpolate(coarse, fine.shape[-2:], mode="bilinear", align_corners=False)
        return F.relu(self.refine(enlarged) + self.project(fine)), enlarged


class DilatedBottleneck(nn.Module):
    """1×1 to out / 4, 3×3, 1×1 to out, beside a shortcut: (N, in, H, W) to (N, out, H/stride, W/stride).

    Source: arXiv:1512.03385, Fig. 5, right, each convolution batch-normalised; stride in the first convolution and
    dilation in the second, as in the residual networks of PSPNet (arXiv:1612.01105) and ICNet (arXiv:1704.08545).
    The shortcut is the identity, or a normalised 1×1 convolution where the shape changes.
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1, dilation: int = 1):
        super().__init__()
        inner = max(out_channels // 4, 1)
        self.branch = nn.Sequential(
            nn.Conv2d(in_channels, inner, 1, stride=stride, bias=False),
            nn.BatchNorm2d(inner),
            nn.ReLU(inplace=True),
            nn.Conv2d(inner, inner, 3, padding=dilation, dilation=dilation, bias=False),
            nn.BatchNorm2d(inner),
            nn.ReLU(inplace=True),
            nn.Conv2d(inner, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.shortcut(x) + self.branch(x))
