"""A recipe's optimizer over a network's parameters. Decay acts on weight matrices and kernels only, not on biases and
norms.

An exponential moving average of the weights, to be evaluated in their place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from zoo.core.assemble import make
from zoo.core.kinds import option_names
from zoo.core.registry import current
from zoo.core.spec import RecipeRow, part_ref


def make_optimizer(parameters: Iterable[nn.Parameter], recipe: RecipeRow) -> torch.optim.Optimizer:
    """The recipe's optimizer over ``parameters``, fused where torch has a fused kernel.

    Of the recipe's ``betas`` and ``momentum`` it is given those that it names; options of its own come with its name,
    ``optimizer: {name: sgd, nesterov: true}``. Parameters that are frozen now are included too: an objective may
    unfreeze them later, and a parameter without a gradient is left alone.

    Raises:
        UnknownName, BrokenPlugin, BadInput: no such optimizer, or it cannot be imported or made so.
    """
    ref = part_ref(recipe.optimizer, "optimizer")
    named = option_names(current().load("optimizers", ref.name))
    parameters = list(parameters)
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    fused = all(p.device.type in ("cpu", "cuda") and p.is_floating_point() for p in parameters)
    given: dict[str, Any] = {"betas": recipe.betas, "momentum": recipe.momentum, "fused": fused}
    taken = {option: value for option, value in given.items() if option in named}
    optimizer: torch.optim.Optimizer = make("optimizers", ref, groups, lr=recipe.lr, **taken)
    return optimizer


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """One rate for all groups."""
    for group in optimizer.param_groups:
        group["lr"] = rate


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
