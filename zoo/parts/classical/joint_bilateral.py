"""A colour map smoothed along the lightness: the joint bilateral filter (Petschnigg et al. 2004)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def joint_bilateral(ab: Tensor, lightness: Tensor, *, reach: int, spread: float) -> Tensor:
    """Every pixel's colour as the mean of those around that are near in place and in lightness.

    Args:
        ab: (N, 2, H, W).
        lightness: the guide, (N, 1, H, W).
        reach: the window is 2 · reach + 1 wide, its Gaussian of half that deviation; 0 filters nothing.
        spread: standard deviation of the Gaussian over differences of the guide.

    Returns:
        (N, 2, H, W).
    """
    if reach == 0:
        return ab
    height, width = ab.shape[-2:]
    maps = F.pad(torch.cat((lightness, ab), dim=1), (reach, reach, reach, reach), mode="replicate")
    total, weight = torch.zeros_like(ab), torch.zeros_like(lightness)
    for y in range(2 * reach + 1):
        for x in range(2 * reach + 1):
            there = maps[..., y : y + height, x : x + width]
            far = ((y - reach) ** 2 + (x - reach) ** 2) / (2 * (reach / 2) ** 2)
            near = torch.exp(-((there[:, :1] - lightness) ** 2) / (2 * spread**2) - far)
            total, weight = total + near * there[:, 1:], weight + near
    return total / weight
