"""An exponential moving average of the weights, to be evaluated in their place."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class Ema:
    """A shadow of ``module``: parameters averaged with ``decay``, buffers copied.

    The decay grows as (1 + step) / (10 + step) at first, so that short runs are not held at their
    random start.
    """

    def __init__(self, module: nn.Module, decay: float):
        self.module = copy.deepcopy(module).requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        weight = 1 - min(self.decay, (1 + step) / (10 + step))
        shadow: list[Tensor] = list(self.module.parameters())
        live: list[Tensor] = list(module.parameters())
        if shadow:
            torch._foreach_lerp_(shadow, live, weight)
        for mine, theirs in zip(self.module.buffers(), module.buffers(), strict=True):
            mine.copy_(theirs)
