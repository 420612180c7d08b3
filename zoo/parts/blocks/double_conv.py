"""The U-Net's block: two 3×3 convolutions (arXiv:1505.04597, Fig. 1)."""

from __future__ import annotations

from torch import nn

from zoo.parts.layers.conv_unit import ConvUnit, Norm


class DoubleConv(nn.Sequential):
    """(3×3 conv, norm, ReLU) × 2: (N, in, H, W) to (N, out, H, W), any size.

    The paper's convolutions are unpadded and not normalised; these are padded by one, so that the
    size stays, and batch-normalised, as every later U-Net's.

    Args:
        norm: ``batch``, or ``none`` as in the paper.
    """

    def __init__(self, in_channels: int, out_channels: int, *, norm: Norm = "batch"):
        super().__init__(
            ConvUnit(in_channels, out_channels, norm=norm),
            ConvUnit(out_channels, out_channels, norm=norm),
        )
