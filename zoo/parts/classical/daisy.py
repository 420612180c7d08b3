"""DAISY: histograms of gradient directions at every pixel and on rings around it (Tola et al. 2010)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.parts.classical.local_statistics import gaussian_blur


def orientation_planes(lightness: Tensor, orientations: int = 8) -> Tensor:
    """Gradient magnitude spread softly over directions: (N, 1, H, W) to (N, orientations, H, W).

    A direction weighs by a circular normal distribution with κ = orientations / π; the gradient is the
    forward difference, 0 at the last row and column.
    """
    across = F.pad(lightness.diff(dim=3), (0, 1))
    down = F.pad(lightness.diff(dim=2), (0, 0, 0, 1))
    magnitude, direction = torch.hypot(across, down), torch.atan2(down, across)
    angles = torch.arange(orientations, device=lightness.device) * (2 * math.pi / orientations) - math.pi
    closeness = torch.cos(direction - angles.view(1, -1, 1, 1))
    return torch.exp(orientations / math.pi * closeness) * magnitude


def daisy(lightness: Tensor, *, radius: int = 15, rings: int = 1, histograms: int = 3, orientations: int = 8) -> Tensor:
    """The descriptor of every pixel, its L2 norm 1 (0 where the surroundings are flat).

    The layout, and the default of 4 places × 8 directions = 32 numbers, as in ``skimage.feature.daisy`` with
    the same arguments; here the border is repeated, so that every pixel has one.

    Args:
        lightness: (N, 1, H, W).
        radius: of the outermost ring, in pixels.
        histograms: places on a ring.

    Returns:
        (N, (rings · histograms + 1) · orientations, H, W).
    """
    height, width = lightness.shape[-2:]
    planes = orientation_planes(lightness, orientations)
    places = [gaussian_blur(planes, radius / (2 * rings))]
    for ring in range(1, rings + 1):
        distance = radius * ring / rings
        blurred = gaussian_blur(planes, distance / 2)
        padded = F.pad(blurred, (radius, radius, radius, radius), mode="replicate")
        for number in range(histograms):
            turn = 2 * math.pi * number / histograms
            top, left = radius + round(distance * math.sin(turn)), radius + round(distance * math.cos(turn))
            places.append(padded[..., top : top + height, left : left + width])
    return F.normalize(torch.cat(places, dim=1), dim=1, eps=1e-6)
