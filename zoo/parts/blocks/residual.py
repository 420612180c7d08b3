"""Residual units: two 3×3 convolutions beside a shortcut."""

from __future__ import annotations

from torch import Tensor, nn

from zoo.parts.layers.conv_unit import ConvUnit, conv


class Residual(nn.Module):
    """y = F(x) + shortcut(x): (N, in, H, W) to (N, out, H, W), any size.

    Two orders of the same layers:

    * post-activation (arXiv:1512.03385, Fig. 2): F = conv-BN-ReLU-conv-BN, and a ReLU after the sum;
    * pre-activation (arXiv:1603.05027, Fig. 1b; the unit of the Deep Residual U-Net,
      arXiv:1711.10684, Fig. 1b): F = (BN-ReLU-conv) × 2, and nothing after the sum.

    The shortcut is the identity where the channels agree, else a 1×1 convolution (batch-normalised in the
    post-activation unit, as F is).

    Args:
        preactivation: the second order instead of the first.
    """

    def __init__(self, in_channels: int, out_channels: int, *, preactivation: bool = False):
        super().__init__()
        self.residual = nn.Sequential(*(_preactivated if preactivation else _postactivated)(in_channels, out_channels))
        self.shortcut: nn.Module = nn.Identity()
        if in_channels != out_channels:
            projection = nn.Conv2d(in_channels, out_channels, 1, bias=False)
            self.shortcut = projection if preactivation else nn.Sequential(projection, nn.BatchNorm2d(out_channels))
        self.activation: nn.Module = nn.Identity() if preactivation else nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.residual(x) + self.shortcut(x))


def _postactivated(in_channels: int, out_channels: int) -> list[nn.Module]:
    return [
        ConvUnit(in_channels, out_channels),
        conv(out_channels, out_channels),
        nn.BatchNorm2d(out_channels),
    ]


def _preactivated(in_channels: int, out_channels: int) -> list[nn.Module]:
    return [
        nn.BatchNorm2d(in_channels),
        nn.ReLU(inplace=True),
        conv(in_channels, out_channels),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
        # The last convolution feeds a sum, not a normalisation, so it keeps its bias.
        conv(out_channels, out_channels, norm="none"),
    ]
