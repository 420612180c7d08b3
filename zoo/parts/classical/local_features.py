"""What is around a pixel: means, deviations, blurs, and DAISY."""

from __future__ import annotations

import math

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


def orientation_planes(lightness: Tensor, orientations: int = 8) -> Tensor:
    """Gradient magnitude spread softly over directions: (N, 1, H, W) to (N, orientations, H, W).

    A direction weighs by a circular normal distribution with κ = orientations / π; the gradient is the
    forward difference, 0 at the last row and column.
    """
    across = F.pad(lightness.diff(dim=3), (0, 1))
    down = F.pad(lightness.diff(dim=2), (0, 0, 0, 1))
    magnitude = (across.square() + down.square()).sqrt()  # torch.hypot, which ONNX has not
    direction = torch.atan2(down, across)
    angles = torch.arange(orientations, device=lightness.device) * (2 * math.pi / orientations) - math.pi
    closeness = torch.cos(direction - angles.view(1, -1, 1, 1))
    return torch.exp(orientations / math.pi * closeness) * magnitude


def daisy(lightness: Tensor, *, radius: int = 15, rings: int = 1, histograms: int = 3, orientations: int = 8) -> Tensor:
    """Histograms of gradient directions at every pixel and on rings around it (Tola et al. 2010).

    The layout, and the default of 4 positions × 8 directions = 32 numbers, as in ``skimage.feature.daisy`` with
    the same arguments; here the border is repeated, so that every pixel has one. Its L2 norm is 1, or 0 where the
    surroundings are flat.

    Args:
        lightness: (N, 1, H, W).
        radius: of the outermost ring, in pixels.
        histograms: positions on a ring.

    Returns:
        (N, (rings · histograms + 1) · orientations, H, W).
    """
    height, width = lightness.shape[-2:]
    planes = orientation_planes(lightness, orientations)
    positions = [gaussian_blur(planes, radius / (2 * rings))]
    for ring in range(1, rings + 1):
        distance = radius * ring / rings
        blurred = gaussian_blur(planes, distance / 2)
        padded = F.pad(blurred, (radius, radius, radius, radius), mode="replicate")
        for number in range(histograms):
            turn = 2 * math.pi * number / histograms
            top, left = radius + round(distance * math.sin(turn)), radius + round(distance * math.cos(turn))
            positions.append(padded[..., top : top + height, left : left + width])
    return F.normalize(torch.cat(positions, dim=1), dim=1, eps=1e-6)
