"""Concatenation, the U-Net's skip (arXiv:1505.04597)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Concat(nn.Module):
    """Skip (N, S, H, W) and gate (N, G, H, W) to (N, S + G, H, W)."""

    def __init__(self, skip_channels: int, gate_channels: int):
        super().__init__()
        self.channels = skip_channels + gate_channels

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        return torch.cat((skip, gate), dim=1)
