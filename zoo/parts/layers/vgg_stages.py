"""The thirteen convolutions of VGG16."""

from __future__ import annotations

from torch import nn

from zoo.parts.layers.conv_unit import ConvUnit, Norm, he_normal

CONVOLUTIONS = (2, 2, 3, 3, 3)
"""How many 3×3 convolutions each stage has (configuration D of arXiv:1409.1556, Table 1)."""


def vgg_stages(in_channels: int, width: int = 64, norm: Norm = "none") -> nn.ModuleList:
    """The five stages, each a sequence of conv → norm → ReLU; a 2×2 max-pooling belongs after each.

    Channels: ``width`` · (1, 2, 4, 8, 8). Initialised after He: VGG16 without normalisation does not train from
    torch's default (its authors started it from a shallower network).
    """
    stages = nn.ModuleList()
    before = in_channels
    for i, count in enumerate(CONVOLUTIONS):
        channels = width * min(2**i, 8)
        widths = [before, *[channels] * count]
        stages.append(nn.Sequential(*(ConvUnit(widths[k], widths[k + 1], norm=norm) for k in range(count))))
        before = channels
    he_normal(stages)
    return stages
