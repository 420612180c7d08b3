"""ResNet's bottleneck, with a dilated middle."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


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
