"""Photos bent as rubber is."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.core.errors import BadInput


class Elastic:
    """U-Net's random elastic deformation (Ronneberger et al. 2015, arXiv:1505.04597, section 3.1).

    uint8 (N, 3, H, W) to the same. For each photo displacements are drawn at the points of a coarse grid from a
    Gaussian, N(0, (std · side)²) down and across; a pixel's own is interpolated from them bicubically. Lightness and
    truth come from the bent photo, so they are bent alike. Beyond its borders a photo is mirrored, as the paper does.

    Args:
        std: of a displacement, as a share of the photo's side: the paper's 10 pixels are 2 % of its 512.
        grid: points of the grid on each side; the outer ones lie on the border.

    Raises:
        BadInput: a std that is negative, or fewer than two points a side.
    """

    def __init__(self, *, std: float = 10 / 512, grid: int = 3) -> None:
        if not std >= 0 or grid < 2:
            raise BadInput(f"augmentation 'elastic': std is {std}, grid {grid}; give 0 or more, and 2 points or more.")
        self.std = std
        self.grid = grid

    def __call__(self, photos: Tensor, generator: torch.Generator) -> Tensor:
        coarse = torch.randn(len(photos), 2, self.grid, self.grid, generator=generator, device=generator.device)
        return warped(photos, self.std * coarse.to(photos.device, non_blocking=True))


def warped(photos: Tensor, coarse: Tensor) -> Tensor:
    """Photos whose every pixel is fetched from elsewhere, bilinearly, and rounded.

    Args:
        photos: uint8 (N, 3, H, W).
        coarse: (N, 2, G, G), the displacements across and down at the grid's points, as shares of the side.
    """
    height, width = photos.shape[-2:]
    moved = F.interpolate(coarse, (height, width), mode="bicubic", align_corners=True)
    # grid_sample's unit is half a side.
    still = F.affine_grid(torch.eye(2, 3, device=photos.device)[None], [1, 3, height, width], align_corners=False)
    positions = still + 2 * moved.permute(0, 2, 3, 1)
    found = F.grid_sample(photos.float(), positions, mode="bilinear", padding_mode="reflection", align_corners=False)
    return found.round().to(torch.uint8)
