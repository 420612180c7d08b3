"""ENet's bottlenecks: a narrow branch beside a shortcut that keeps, halves or doubles the size.

Source: arXiv:1606.02147, section 3 and Fig. 2b. The branch is 1×1 projection to a quarter of the channels → main
convolution → 1×1 expansion, each conv (no bias) → batch norm → activation, then spatial dropout; the sum with the
shortcut is activated once more. The activation is a layer class: PReLU in the encoder, ReLU in the decoder.
"""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from zoo.parts.layers.unpool import unpool

RATIO = 4
Activation = Callable[[], nn.Module]


class RegularBottleneck(nn.Module):
    """(N, C, H, W) to the same shape, the shortcut being the identity.

    Args:
        dilation: of the main 3×3 convolution.
        asymmetric: a k×1 and a 1×k convolution of this k in its place; 0 for none.
        dropout: probability with which a channel of the branch is dropped.
    """

    def __init__(
        self, channels: int, *, activation: Activation, dropout: float, dilation: int = 1, asymmetric: int = 0
    ):
        super().__init__()
        inner = max(channels // RATIO, 1)
        if asymmetric:
            half = asymmetric // 2
            main = [
                *_activated(nn.Conv2d(inner, inner, (asymmetric, 1), padding=(half, 0), bias=False), activation),
                *_activated(nn.Conv2d(inner, inner, (1, asymmetric), padding=(0, half), bias=False), activation),
            ]
        else:
            convolution = nn.Conv2d(inner, inner, 3, padding=dilation, dilation=dilation, bias=False)
            main = _activated(convolution, activation)
        self.branch = nn.Sequential(
            *_activated(nn.Conv2d(channels, inner, 1, bias=False), activation),
            *main,
            *_activated(nn.Conv2d(inner, channels, 1, bias=False), activation),
            nn.Dropout2d(dropout),
        )
        self.activation = activation()

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(x + self.branch(x))


class DownsamplingBottleneck(nn.Module):
    """(N, in, H, W) to (N, out, H/2, W/2) and the indices (N, in, H/2, W/2) of the pooling in its shortcut.

    The shortcut is a 2×2 max-pooling whose missing channels are zeros; the projection is a 2×2 convolution of stride 2.
    """

    def __init__(self, in_channels: int, out_channels: int, *, activation: Activation, dropout: float):
        super().__init__()
        self.more = out_channels - in_channels
        inner = max(in_channels // RATIO, 1)
        self.branch = nn.Sequential(
            *_activated(nn.Conv2d(in_channels, inner, 2, stride=2, bias=False), activation),
            *_activated(nn.Conv2d(inner, inner, 3, padding=1, bias=False), activation),
            *_activated(nn.Conv2d(inner, out_channels, 1, bias=False), activation),
            nn.Dropout2d(dropout),
        )
        self.activation = activation()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        pooled, indices = F.max_pool2d(x, 2, return_indices=True)
        shortcut = F.pad(pooled, (0, 0, 0, 0, 0, self.more))
        return self.activation(shortcut + self.branch(x)), indices


class UpsamplingBottleneck(nn.Module):
    """(N, in, h, w), with the indices (N, out, h, w) of the pooling that it undoes, to (N, out, H, W).

    The shortcut is a 1×1 convolution, normalised, and unpooled; the main convolution a 2×2 deconvolution of stride 2.
    As in the reference code, the expansion is not activated before the sum.
    """

    def __init__(self, in_channels: int, out_channels: int, *, activation: Activation, dropout: float):
        super().__init__()
        inner = max(in_channels // RATIO, 1)
        self.shortcut = nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels))
        self.project = nn.Sequential(*_activated(nn.Conv2d(in_channels, inner, 1, bias=False), activation))
        self.enlarge = nn.ConvTranspose2d(inner, inner, 2, stride=2, bias=False)
        self.expand = nn.Sequential(
            nn.BatchNorm2d(inner),
            activation(),
            nn.Conv2d(inner, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.Dropout2d(dropout),
        )
        self.activation = activation()

    def forward(self, x: Tensor, indices: Tensor, size: tuple[int, int]) -> Tensor:
        branch = self.expand(self.enlarge(self.project(x), output_size=list(size)))
        return self.activation(unpool(self.shortcut(x), indices, size) + branch)


def _activated(convolution: nn.Conv2d, activation: Activation) -> list[nn.Module]:
    return [convolution, nn.BatchNorm2d(convolution.out_channels), activation()]
