"""Cascade feature fusion: a coarse branch refined by one of twice its resolution."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class CascadeFusion(nn.Module):
    """Coarse (N, coarse_channels, h, w), fine (N, fine_channels, H, W): fused to (N, out, H, W); and coarse enlarged.

    The coarse map is enlarged bilinearly to (H, W) and convolved 3×3 with dilation 2, the fine one projected 1×1; both
    normalised, their sum rectified (arXiv:1704.08545, section 3.3 and Fig. 3). The enlarged map is what the
    auxiliary classifier reads while training (section 3.4).
    """

    def __init__(self, coarse_channels: int, fine_channels: int, out_channels: int):
        super().__init__()
        self.refine = nn.Sequential(
            nn.Conv2d(coarse_channels, out_channels, 3, padding=2, dilation=2, bias=False), nn.BatchNorm2d(out_channels)
        )
        self.project = nn.Sequential(
            nn.Conv2d(fine_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels)
        )

    def forward(self, coarse: Tensor, fine: Tensor) -> tuple[Tensor, Tensor]:
        enlarged = F.interpolate(coarse, fine.shape[-2:], mode="bilinear", align_corners=False)
        return F.relu(self.refine(enlarged) + self.project(fine)), enlarged
