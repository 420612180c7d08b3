"""Addition: the skip of LinkNet (arXiv:1707.03718), and of the Gachon challenge's winners."""

from __future__ import annotations

from torch import Tensor, nn


class Sum(nn.Module):
    """Skip (N, S, H, W) plus gate (N, G, H, W), to (N, G, H, W); a 1×1 convolution takes S to G if they differ."""

    def __init__(self, skip_channels: int, gate_channels: int):
        super().__init__()
        self.channels = gate_channels
        self.project = nn.Identity() if skip_channels == gate_channels else nn.Conv2d(skip_channels, gate_channels, 1)

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        return self.project(skip) + gate
