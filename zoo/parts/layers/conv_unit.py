"""Convolution, normalisation, ReLU: the unit most blocks are made of."""

from __future__ import annotations

from typing import Literal

from torch import nn

Norm = Literal["batch", "none"]


def conv(in_channels: int, out_channels: int, *, kernel: int = 3, norm: Norm = "batch") -> nn.Conv2d:
    """A convolution that keeps the size. Without a bias when a normalisation, which has its own, follows."""
    return nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=norm == "none")


def normalisation(channels: int, norm: Norm = "batch") -> nn.Module:
    """The layer that ``norm`` names."""
    return nn.BatchNorm2d(channels) if norm == "batch" else nn.Identity()


class ConvUnit(nn.Sequential):
    """Conv → norm → ReLU: (N, in, H, W) to (N, out, H, W), any size.

    Args:
        kernel: the odd side of the convolution.
        norm: ``batch``, or ``none`` (the convolution then has a bias).
    """

    def __init__(self, in_channels: int, out_channels: int, *, kernel: int = 3, norm: Norm = "batch"):
        super().__init__(
            conv(in_channels, out_channels, kernel=kernel, norm=norm),
            normalisation(out_channels, norm),
            nn.ReLU(inplace=True),
        )
