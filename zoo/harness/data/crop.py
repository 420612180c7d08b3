"""Cutting a whole batch out of the bank by index arithmetic, on whatever device the bank lies."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.core.errors import BadInput


def crop(pixels: Tensor, index: Tensor, top: Tensor, left: Tensor, flip: Tensor, size: int) -> Tensor:
    """Windows of the photos at ``index``, mirrored where ``flip``.

    Args:
        pixels: uint8 (n, 3, S, S).
        index, top, left: int64 (N,), on the device of ``pixels``.
        flip: (N,), non-zero where the window is mirrored left to right.
        size: the window's side, at most S.

    Returns:
        uint8 (N, 3, size, size).
    """
    side = pixels.shape[-1]
    steps = torch.arange(size, device=pixels.device)
    columns = left[:, None] + torch.where(flip.bool()[:, None], size - 1 - steps, steps)
    rows = top[:, None] + steps
    position = (rows[:, :, None] * side + columns[:, None, :]).view(-1, 1, size * size)
    photos = pixels[index].view(-1, 3, side * side)
    return photos.gather(2, position.expand(-1, 3, -1)).view(-1, 3, size, size)


def centre(pixels: Tensor, index: Tensor, size: int) -> Tensor:
    """The middle of the photos at ``index``: uint8 (N, 3, size, size)."""
    start = (pixels.shape[-1] - size) // 2
    return pixels[index, :, start : start + size, start : start + size]


def check_size(size: int, side: int) -> None:
    """Raises BadInput when a window of ``size`` does not fit into photos of ``side``."""
    if not 1 <= size <= side:
        raise BadInput(f"The crop size {size} does not fit the bank's photos of {side}×{side}; use 1 to {side}.")
