"""Sweeps: in each one every pixel takes of its eight neighbours' colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from zoo.parts.layers.affinity import NEIGHBOURS, shifted

CELLS_OF_A_MATRIX = 36
"""On a CPU images of at most so many pixels are swept by a matrix: to begin an operation is most of what they cost."""


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


def semi_iterated(colour: Tensor, weights: Tensor, source: Tensor, *, sweeps: int, radius: float) -> Tensor:
    """Towards the U that a sweep leaves as it is: Chebyshev's sweeps (Golub & Varga 1961), and at last two plain ones.

    Chebyshev's polynomial is small all over the spectrum but nowhere very small; the plain sweeps take away what of its
    error is left between neighbours.

    Args:
        colour, weights, source: as of :func:`swept`; where to begin.
        sweeps: 2 or more.
        radius: the spectrum of a sweep is taken to lie in ± this, below 1; one that has imaginary parts above
            √(1 − radius²) makes the sweeps run away.

    Returns:
        (N, C, H, W). Where no gradient is wanted the sweeps are taken in place, which takes about half the time.
    """
    plain = min(sweeps - 1, 2)
    relaxations = [1.0]
    for number in range(sweeps - 1 - plain):
        relaxations.append(1 / (1 - radius**2 * (relaxations[-1] / 4 if number else 0.5)))
    relaxations += [1.0] * plain
    wanted = torch.is_grad_enabled() and any(each.requires_grad for each in (colour, weights, source))
    if wanted or torch.compiler.is_compiling():
        before = colour
        for relaxation in relaxations:
            found = swept(colour, weights, source)
            before, colour = colour, found if relaxation == 1 else before + relaxation * (found - before)
        return colour
    # A GPU would round a matrix product as it does a network's (TF32), and these have to settle.
    small = colour.device.type == "cpu" and colour[0, 0].numel() <= CELLS_OF_A_MATRIX
    sweep = _by_matrices if small else _in_place
    return sweep(colour, weights, source, relaxations)


def _in_place(colour: Tensor, weights: Tensor, source: Tensor, relaxations: Sequence[float]) -> Tensor:
    """Two padded images that take turns, and views of them made once: of a small one to make these is half the work."""
    shares = [share.contiguous() for share in weights.split(1, dim=1)]
    now = _Padded(F.pad(colour, (1, 1, 1, 1)))
    before = _Padded(torch.zeros_like(now.whole))
    for relaxation in relaxations:
        found = before.inside
        found.lerp_(source, relaxation)
        for near, share in zip(now.near, shares, strict=True):
            found.addcmul_(near, share, value=relaxation)
        now, before = before, now
    return now.inside.contiguous()


def _by_matrices(colour: Tensor, weights: Tensor, source: Tensor, relaxations: Sequence[float]) -> Tensor:
    """Sweeps as products with one matrix an image (N, h·w, h·w): three operations instead of nine."""
    cells = colour[0, 0].numel()
    one_each = torch.eye(cells, device=colour.device, dtype=colour.dtype).view(1, cells, *colour.shape[-2:])
    columns = _sum(one_each.expand(len(colour), -1, -1, -1), weights, torch.zeros_like(one_each)).flatten(2)
    now, source = colour.flatten(2).clone(), source.flatten(2)
    before = torch.zeros_like(now)
    for relaxation in relaxations:
        before.lerp_(source, relaxation).baddbmm_(now, columns, alpha=relaxation)
        now, before = before, now
    return now.view_as(colour)


class _Padded:
    """An image with a frame of zeros: what is inside, and for each of the neighbours the image of that neighbour."""

    def __init__(self, whole: Tensor):
        self.whole, self.inside = whole, whole[..., 1:-1, 1:-1]
        height, width = self.inside.shape[-2:]
        self.near = [whole[..., 1 + y : 1 + y + height, 1 + x : 1 + x + width] for y, x in NEIGHBOURS]


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
