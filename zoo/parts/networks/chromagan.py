"""The generator of ChromaGAN: colours and a class distribution from one VGG16 trunk."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.color import AB_SCALE
from zoo.core.contracts import CONDITION_CHANNELS, HINT_GAIN, Prediction
from zoo.parts.layers.conv_unit import he_normal, start_grey
from zoo.parts.layers.vgg_stages import vgg_stages

CLASSES = 1000
_TRUNK_STAGES = 4
_GLOBAL_SIDE = 7
_GREY, _LEVELS = 128, 255
"""Its sigmoid is a* and b* as 8-bit images have them: (a* + 128) / 255."""


class ChromaGAN(nn.Module):
    """arXiv:1907.09837, section 3 (layers as in its authors' code): condition (N, 4, H, W), sides multiples of 8.

    VGG16 up to conv4_3; a mid-level stream of two convolutions; a global stream of four (strides 2, 1, 2, 1), flattened
    to linear layers 1024, 512, 256, spread over the map and fused; six convolutions with two upsamplings
    in between. ``ab`` (N, 2, H/2, W/2) = (255 σ(x) − 128) / 110; the colorizer enlarges it. Beside it ``class_logits``
    (N, 1000) through linear layers 4096, 4096, as ImageNet classifiers have.

    The global stream is resized to the 7×7 that 224 pixels give, so any size works. The original's trunk
    starts from ImageNet weights, this one from He's initialisation; it reads L* / 100 three times, this one
    L* / 50 − 1, which is centred; its last enlargement repeats pixels.

    Args:
        width: channels of VGG's first stage; everything else in proportion to its 64.
        classes: of the class distribution.
    """

    stride = 8
    hint_gain = HINT_GAIN

    def __init__(self, *, width: int = 64, classes: int = CLASSES):
        super().__init__()
        self.trunk = vgg_stages(CONDITION_CHANNELS, width)[:_TRUNK_STAGES]
        self.global_stream = _normalised([8 * width] * 5, strides=(2, 1, 2, 1))
        self.middle_stream = _normalised([8 * width, 8 * width, 4 * width], strides=(1, 1))
        flat = 8 * width * _GLOBAL_SIDE**2
        self.summary = _linear([flat, 16 * width, 8 * width, 4 * width])
        self.classify = _linear([flat, 64 * width, 64 * width, classes])
        self.fuse = nn.Sequential(nn.Conv2d(8 * width, 4 * width, 1), nn.ReLU(), *_convolution(4 * width, 2 * width))
        self.refine = nn.Sequential(*_convolution(2 * width, width), *_convolution(width, width))
        self.refine_finer = nn.Sequential(*_convolution(width, width // 2))
        for part in (self.global_stream, self.middle_stream, self.fuse, self.refine, self.refine_finer):
            he_normal(part)
        self.colour = start_grey(nn.Conv2d(width // 2, 2, 3, padding=1))

    def forward(self, condition: Tensor) -> Prediction:
        x = condition
        for i, stage in enumerate(self.trunk):
            x = stage(x if i == 0 else F.max_pool2d(x, 2))
        # Not adaptive pooling, whose gradient has no deterministic form on a GPU.
        whole = F.interpolate(self.global_stream(x), (_GLOBAL_SIDE, _GLOBAL_SIDE), mode="bilinear").flatten(1)
        middle = self.middle_stream(x)
        spread = self.summary(whole)[:, :, None, None].expand(-1, -1, *middle.shape[-2:])
        x = self.fuse(torch.cat((middle, spread), dim=1))
        x = self.refine(F.interpolate(x, scale_factor=2, mode="nearest"))
        x = self.colour(self.refine_finer(F.interpolate(x, scale_factor=2, mode="nearest")))
        ab = (_LEVELS * torch.sigmoid(x.float()) - _GREY) / AB_SCALE
        return {"ab": ab, "class_logits": self.classify(whole).float()}


def _convolution(before: int, after: int, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, stride=stride, padding=1), nn.ReLU(inplace=True)]


def _normalised(widths: list[int], strides: tuple[int, ...]) -> nn.Sequential:
    """3×3 conv → ReLU → batch norm, in that order."""
    layers: list[nn.Module] = []
    for (before, after), stride in zip(pairwise(widths), strides, strict=True):
        layers += [*_convolution(before, after, stride), nn.BatchNorm2d(after)]
    return nn.Sequential(*layers)


def _linear(widths: list[int]) -> nn.Sequential:
    """Linear layers with nothing in between, as the authors' code has them."""
    return nn.Sequential(*(nn.Linear(before, after) for before, after in pairwise(widths)))
