"""An exponential moving average of the weights, to be evaluated in their place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

Tensors = tuple[Tensor, ...] | list[Tensor]


class Ema(AveragedModel):
    """torch's shadow of ``model``: parameters averaged with ``decay``, buffers copied; it is ``self.module``.

    The decay grows as (1 + step) / (10 + step) at first, so that short runs are not held at their random start.
    """

    def __init__(self, model: nn.Module, decay: float):
        super().__init__(model, multi_avg_fn=self._average)
        self.decay = decay
        self.requires_grad_(False)
        self.n_averaged += 1  # the start is the first of the average; torch would put the first step in its place

    @torch.no_grad()
    def _average(self, shadow: Tensors, live: Tensors, steps: Tensor | int) -> None:
        torch._foreach_lerp_(shadow, live, 1 - min(self.decay, (1 + int(steps)) / (10 + int(steps))))

    def resume(self, averaged: Mapping[str, Any], step: int) -> None:
        """Go on from the ``module.state_dict()`` of an average after ``step`` steps."""
        self.module.load_state_dict(averaged)
        self.n_averaged.fill_(step + 1)
