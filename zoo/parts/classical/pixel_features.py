"""What a pixel is described by in Cheng et al. 2015: its patch, its DAISY, its context, and the hints about."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.parts.classical.daisy import daisy, orientation_planes
from zoo.parts.classical.local_statistics import box_mean, gaussian_blur

PATCH = 7
DIRECTIONS = 8
WINDOWS = (5, 9, 17, 33, 65)
"""Sides of the context windows, in pixels."""

REACHES = (2.0, 4.0, 8.0, 16.0)
"""Standard deviations of the Gaussians that hints are gathered with, in pixels."""

GREY_FEATURES = PATCH**2 + 32 + len(WINDOWS) * (1 + DIRECTIONS) + 2
"""49 + 32 + 47 = 128."""

COLOUR_GAIN = 10.0
"""Hinted colours times this: ab is about a tenth of what the other features are, and would be learnt last."""

HINT_FEATURES = 3 + 3 * len(REACHES)


def grey_features(lightness: Tensor) -> Tensor:
    """Patch, DAISY and context of every pixel: (N, 1, H, W) to (N, 128, H, W)."""
    return torch.cat((patch(lightness), daisy(lightness), context(lightness)), dim=1)


def patch(lightness: Tensor) -> Tensor:
    """The 7×7 lightness values around every pixel, the border repeated: (N, 49, H, W)."""
    reach = PATCH // 2
    padded = F.pad(lightness, (reach, reach, reach, reach), mode="replicate")
    n, _, height, width = lightness.shape
    return F.unfold(padded, PATCH).view(n, PATCH**2, height, width)


def context(lightness: Tensor) -> Tensor:
    """What is around: (N, 47, H, W).

    Mean lightness and mean gradient in 8 directions over growing windows, then how far down and how far
    across the photo, each in [−1, 1].
    """
    planes = torch.cat((lightness, orientation_planes(lightness, DIRECTIONS)), dim=1)
    around = [box_mean(planes, window) for window in WINDOWS]
    n, _, height, width = lightness.shape
    down = torch.linspace(-1, 1, height, device=lightness.device).view(1, 1, height, 1).expand(n, 1, height, width)
    across = torch.linspace(-1, 1, width, device=lightness.device).view(1, 1, 1, width).expand(n, 1, height, width)
    return torch.cat((*around, down, across), dim=1)


def hint_features(hints: Tensor) -> Tensor:
    """The hints at and around every pixel: (N, 3, H, W) of hint_ab and mask to (N, 15, H, W).

    Those of the pixel itself; then for each reach the mean colour of the hints under a Gaussian, and how sure
    it is: the weight of the hints there, against that of one hint a reach away.
    """
    found = [COLOUR_GAIN * hints[:, :2], hints[:, 2:]]
    for reach in REACHES:
        gathered = gaussian_blur(hints, reach, truncate=3.0)
        colour, weight = gathered[:, :2], gathered[:, 2:]
        one_away = 0.6 / (2 * torch.pi * reach**2)
        found += [COLOUR_GAIN * colour / (weight + 0.1 * one_away), weight / (weight + one_away)]
    return torch.cat(found, dim=1)


def photo_descriptor(lightness: Tensor) -> Tensor:
    """One vector a photo, its L2 norm 1: gradient in 8 directions over 4×4 cells, (N, 1, H, W) to (N, 128).

    In the manner of GIST; the same photo at another size has nearly the same.
    """
    cells = F.adaptive_avg_pool2d(orientation_planes(lightness, DIRECTIONS), 4)
    return F.normalize(cells.flatten(1), eps=1e-6)
