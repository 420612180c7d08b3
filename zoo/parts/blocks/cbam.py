"""The convolutional block attention module (arXiv:1807.06521, section 3)."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

MIN_HIDDEN = 4


class ChannelAttention(nn.Module):
    """F ⊗ M_c, M_c = σ(MLP(AvgPool(F)) + MLP(MaxPool(F))) (equation 2): (N, C, H, W) to the same.

    The two-layer perceptron is shared by both poolings. Its hidden biases start at 0.5: pooled features hardly
    differ from photo to photo, so a perceptron that starts closed is closed for all of them and never learns.

    Args:
        ratio: r; the perceptron has C / r hidden units, four at least.
    """

    def __init__(self, channels: int, *, ratio: int = 16):
        super().__init__()
        hidden = max(channels // ratio, MIN_HIDDEN)
        squeeze = nn.Conv2d(channels, hidden, 1)
        nn.init.constant_(cast(Tensor, squeeze.bias), 0.5)
        self.mlp = nn.Sequential(squeeze, nn.ReLU(inplace=True), nn.Conv2d(hidden, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        average, maximum = x.mean((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
        return x * torch.sigmoid(self.mlp(average) + self.mlp(maximum))


class SpatialAttention(nn.Module):
    """F ⊗ M_s, M_s = σ(f([AvgPool(F); MaxPool(F)])), pooled over the channels (equation 3).

    (N, C, H, W) to the same.

    Args:
        kernel: the odd side of the convolution f.
    """

    def __init__(self, *, kernel: int = 7):
        super().__init__()
        self.convolution = nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        pooled = torch.cat((x.mean(1, keepdim=True), x.amax(1, keepdim=True)), dim=1)
        return x * torch.sigmoid(self.convolution(pooled))


class CBAM(nn.Sequential):
    """Channel attention, then spatial attention (equation 1): (N, C, H, W) to the same, any size.

    As in the formulas f is not normalised; the authors' code has a batch norm behind it. Their perceptron's
    biases are kept: they are in the paper's parameter count (ResNet-50 with it has 28.09 M).
    """

    def __init__(self, channels: int, *, ratio: int = 16, kernel: int = 7):
        super().__init__(ChannelAttention(channels, ratio=ratio), SpatialAttention(kernel=kernel))
