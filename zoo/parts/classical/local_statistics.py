"""Means and deviations around every pixel, as the texture measures of the reference-based colorizers."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def box_mean(maps: Tensor, side: int) -> Tensor:
    """Each pixel's mean over a ``side``² window (odd), the border repeated: (N, C, H, W) to the same."""
    reach = side // 2
    padded = F.pad(maps, (reach, reach, reach, reach), mode="replicate")
    # Rows, then columns: pooling a wide window at once would cost its area.
    return F.avg_pool2d(F.avg_pool2d(padded, (side, 1), stride=1), (1, side), stride=1)


def deviation(maps: Tensor, side: int = 5) -> Tensor:
    """Each pixel's standard deviation over a ``side``² window: (N, C, H, W) to the same."""
    return (box_mean(maps.square(), side) - box_mean(maps, side).square()).clamp_min(0).sqrt()


def gaussian_blur(maps: Tensor, sigma: float, *, truncate: float = 4.0) -> Tensor:
    """A Gaussian blur, the border repeated: (N, C, H, W) to the same. The kernel ends at ``truncate`` · sigma."""
    reach = int(truncate * sigma + 0.5)
    steps = torch.arange(-reach, reach + 1, device=maps.device, dtype=maps.dtype)
    kernel = torch.exp(-0.5 * (steps / sigma) ** 2)
    kernel = (kernel / kernel.sum()).view(1, 1, -1, 1)
    n, channels, height, width = maps.shape
    planes = maps.reshape(n * channels, 1, height, width)
    planes = F.conv2d(F.pad(planes, (0, 0, reach, reach), mode="replicate"), kernel)
    planes = F.conv2d(F.pad(planes, (reach, reach, 0, 0), mode="replicate"), kernel.transpose(2, 3))
    return planes.view(n, channels, height, width)
