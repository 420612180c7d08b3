"""A bound from which a value can come back."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function


class LowerBound(Function):
    """max(x, bound), whose gradient also reaches an x on or below the bound where it would be raised.

    A ReLU that starts at or falls below zero has no gradient and stays there; this is a step of projected gradient
    descent instead (Ballé, Laparra, Simoncelli, arXiv:1611.01704, keep their parameters positive so).
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, bound: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.bound = bound
        return x.clamp_min(bound)

    @staticmethod
    def backward(ctx: Any, *gradient: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        (given,) = gradient
        return torch.where((x > ctx.bound) | (given < 0), given, 0.0), None


def at_least(x: Tensor, bound: float) -> Tensor:
    """:class:`LowerBound`, as a plain maximum where no gradient is asked for."""
    if torch.is_grad_enabled() and x.requires_grad:
        found: Tensor = LowerBound.apply(x, bound)
        return found
    return x.clamp_min(bound)
