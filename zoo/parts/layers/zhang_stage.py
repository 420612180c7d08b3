"""The convolution stages that the networks of Zhang et al. 2016 and 2017 are made of."""

from __future__ import annotations

from itertools import pairwise
from typing import cast

from torch import Tensor, nn

from zoo.parts.layers.conv_unit import he_normal


def stage(*widths: int, stride: int = 1, dilation: int = 1, norm: bool = True) -> nn.Sequential:
    """3×3 convolution and ReLU for each pair of neighbouring widths, then one BatchNorm that closes the stage.

    (N, widths[0], H, W) to (N, widths[-1], H / stride, W / stride). Layers stand in the order of the public PyTorch
    networks (``richzhang/colorization: colorizers``), so that their keys differ from ours in the prefix only.

    Args:
        widths: channels before, between and after the convolutions.
        stride: of the last convolution.
        dilation: of all of them.
        norm: whether the BatchNorm is there.
    """
    layers: list[nn.Module] = []
    last = len(widths) - 2
    for i, (before, after) in enumerate(pairwise(widths)):
        step = stride if i == last else 1
        layers += [nn.Conv2d(before, after, 3, step, padding=dilation, dilation=dilation), nn.ReLU(inplace=True)]
    if norm:
        layers.append(nn.BatchNorm2d(widths[-1]))
    sequence = nn.Sequential(*layers)
    he_normal(sequence)
    return sequence


def deconvolution(in_channels: int, out_channels: int) -> nn.ConvTranspose2d:
    """A 4×4 transposed convolution that doubles the size; each output pixel is covered by 2×2 of its weights."""
    layer = nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1)
    nn.init.normal_(layer.weight, std=(2 / (4 * in_channels)) ** 0.5)
    nn.init.zeros_(cast(Tensor, layer.bias))
    return layer
