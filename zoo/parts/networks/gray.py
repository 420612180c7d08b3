"""The floor: no colour at all."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Gray(nn.Module):
    """ab = 0 everywhere: condition (N, 4, H, W) to (N, 2, H, W). No parameters."""

    stride = 1

    def forward(self, condition: Tensor) -> Tensor:
        return torch.zeros_like(condition[:, :2])
