"""Hints as they are given: what a network sees that spreads them itself."""

from __future__ import annotations

from torch import Tensor, nn


class NoPropagator(nn.Module):
    """condition (N, 4, H, W) to ab (N, 2, H, W), 0 beside the hints, and the mask (N, 1, H, W) as the confidence."""

    stride = 1

    def forward(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        _, hint_ab, mask = condition.split((1, 2, 1), dim=1)
        return hint_ab, mask
