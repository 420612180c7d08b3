"""Sweeps of a spatial propagation network: every pixel becomes a weighted sum of its neighbours, some of them moved."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.parts.layers.affinity import NEIGHBOURS


def summed(near: Sequence[Tensor], weights: Tensor, begun: Tensor) -> Tensor:
    """``begun`` + Σ_k w_k x_k: the neighbours' images x_k (N, C, H, W), weights (N, K, H, W) → (N, C, H, W)."""
    total = begun
    for k, image in enumerate(near):
        total = torch.addcmul(total, image, weights[:, k : k + 1])
    return total


def moved(offsets: Tensor) -> Tensor:
    """Where the eight neighbours lie once each is moved, for :func:`sampled`.

    Args:
        offsets: (N, 8, 2, H, W), (down, across) in pixels for each of
            :data:`~zoo.parts.layers.affinity.NEIGHBOURS`.

    Returns:
        (N, 8, H, W, 2): (across, down), −1 and 1 in the middle of the photo's first and last pixel.
    """
    height, width = offsets.shape[-2:]
    own = torch.meshgrid(
        torch.arange(height, device=offsets.device), torch.arange(width, device=offsets.device), indexing="ij"
    )
    step = torch.tensor(NEIGHBOURS, device=offsets.device)[:, :, None, None]
    position = torch.stack(own) + step + offsets
    extent = torch.stack([offsets.new_full((), torch.sym_max(side - 1, 1)) for side in (height, width)])[:, None, None]
    return (2 * position / extent - 1).flip(2).permute(0, 1, 3, 4, 2)


def sampled(image: Tensor, positions: Tensor) -> Tensor:
    """An image (N, C, H, W), bilinearly, at the positions (N, K, H, W, 2) of :func:`moved`: (N, C, K, H, W).

    Beyond the edge is the nearest pixel. Weighted and summed it is the modulated deformable convolution
    (arXiv:1811.11168) whose kernel is all ones; torchvision's reads zeros beyond the edge, which would be grey, and
    is some fifteen times slower on a CPU.
    """
    count, height = positions.shape[1:3]
    found = F.grid_sample(image, positions.flatten(1, 2), padding_mode="border", align_corners=True)
    return found.unflatten(2, (count, height))
