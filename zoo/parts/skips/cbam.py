"""A skip refined by the convolutional block attention module (arXiv:1807.06521)."""

from __future__ import annotations

from typing import Literal, cast

import torch
from torch import Tensor, nn

from zoo.parts.skips.concat import Concat
from zoo.parts.skips.sum import Sum

MIN_HIDDEN = 4
"""Units of the channel attention's perceptron, at least."""


class CBAMSkip(nn.Module):
    """The skip attends to its own channels and places, and is then merged with the gate.

    Skip (N, S, H, W) and gate (N, G, H, W), one size, to (N, ``channels``, H, W). Unlike an attention
    gate, the attention does not depend on the decoder's features.

    Args:
        ratio, kernel: see :class:`~zoo.parts.skips.cbam.CBAM`.
        merge: ``concat`` (S + G channels come out) or ``sum`` (G channels).
    """

    def __init__(
        self,
        skip_channels: int,
        gate_channels: int,
        *,
        ratio: int = 16,
        kernel: int = 7,
        merge: Literal["concat", "sum"] = "concat",
    ):
        super().__init__()
        self.attention = CBAM(skip_channels, ratio=ratio, kernel=kernel)
        self.merge = (Concat if merge == "concat" else Sum)(skip_channels, gate_channels)
        self.channels = self.merge.channels

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        return self.merge(self.attention(skip), gate)


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
