"""One sweep: every pixel takes of its eight neighbours' colours."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from zoo.parts.layers.affinity import NEIGHBOURS, shifted


def swept(colour: Tensor, weights: Tensor, source: Tensor) -> Tensor:
    """source(r) + Σ_s w_rs U(s), U(s) = 0 outside the photo.

    Args:
        colour: U (N, C, H, W).
        weights: (N, 8, H, W), in the order of :data:`~zoo.parts.layers.affinity.NEIGHBOURS`.
        source: (N, C, H, W).

    Returns:
        (N, C, H, W). Its gradient, written out, takes half the time and memory that autograd makes of it.
    """
    if torch.is_grad_enabled() and weights.requires_grad:
        found: Tensor = Sweep.apply(colour, weights, source)
        return found
    return _sum(colour, weights, source)


class Sweep(Function):
    """:func:`swept`; to w_rs goes Σ_c g(r) · U(s), and to U(s) Σ_r w_rs g(r)."""

    @staticmethod
    def forward(ctx: Any, colour: Tensor, weights: Tensor, source: Tensor) -> Tensor:
        ctx.save_for_backward(colour, weights)
        return _sum(colour, weights, source)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        colour, weights = ctx.saved_tensors
        (given,) = gradient
        height, width = given.shape[-2:]
        to_weights = torch.cat([(given * near).sum(1, keepdim=True) for near in shifted(colour)], dim=1)
        to_colour = F.pad(torch.zeros_like(given), (1, 1, 1, 1))
        for (down, across), weight in zip(NEIGHBOURS, weights.split(1, dim=1), strict=True):
            to_colour[..., 1 + down : 1 + down + height, 1 + across : 1 + across + width].addcmul_(given, weight)
        return to_colour[..., 1:-1, 1:-1], to_weights, given


_PICKS = torch.eye(9).view(9, 1, 3, 3)[[0, 1, 2, 3, 5, 6, 7, 8]]
"""For each neighbour the kernel that picks it."""


def _sum(colour: Tensor, weights: Tensor, source: Tensor) -> Tensor:
    if torch.compiler.is_exporting():  # a few nodes a sweep in a graph, where the views would be a hundred
        near = F.conv2d(colour.flatten(0, 1)[:, None], _PICKS.to(colour), padding=1).unflatten(0, colour.shape[:2])
        return source + (near * weights[:, None]).sum(2)
    total = source
    for near, weight in zip(shifted(colour), weights.split(1, dim=1), strict=True):
        total = torch.addcmul(total, near, weight)
    return total
