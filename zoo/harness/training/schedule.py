"""How the weights are moved: the optimizer, its schedule, and the moving average of what it gives.

The learning rate is a function of progress, so that every kind of budget has the same shape. Decay acts on weight
matrices and kernels only, not on biases and norms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from zoo.core.assemble import make
from zoo.core.errors import BadInput
from zoo.core.kinds import option_names
from zoo.core.registry import current
from zoo.core.spec import RecipeRow, part_ref

Shape = Callable[[float], float]
"""Progress in [0, 1], behind the warm-up, to what the recipe's rate is multiplied with."""


def cosine(*, least: float = 0.0) -> Shape:
    """From 1 to ``least``, half a cosine (arXiv:1608.03983, eq. 5)."""
    _need(0 <= least <= 1, "cosine", f"least is {least}; give a part of the recipe's rate, from 0 to 1")
    return lambda p: least + (1 - least) * 0.5 * (1 + math.cos(math.pi * p))


def constant() -> Shape:
    """Always 1."""
    return lambda p: 1.0


def linear() -> Shape:
    """From 1 to 0, straight."""
    return lambda p: 1 - p


def step(*, drops: Sequence[float] = (0.75,), gamma: float = 0.1) -> Shape:
    """1, and ``gamma`` times as much from each of ``drops`` on, which are parts of the training."""
    _need(all(0 < drop < 1 for drop in drops), "step", f"drops are {list(drops)}; give parts between 0 and 1")
    _need(gamma > 0, "step", f"gamma is {gamma}; give a number above 0")
    return lambda p: gamma ** sum(p >= drop for drop in drops)


def make_schedule(schedule: str | Mapping[str, Any], warmup: float = 0.0) -> Shape:
    """What the learning rate is multiplied with, at each part of the budget that is spent.

    Args:
        schedule: a registered schedule, by name or as ``{name: …, **options}``.
        warmup: the part of the budget over which the rate first rises linearly.

    Raises:
        UnknownName, BrokenPlugin, BadInput: no such schedule, or it cannot be imported or made so.
    """
    shape: Shape = make("schedules", schedule)

    def rate(progress: float) -> float:
        if progress < warmup:
            return max(progress / warmup, 1e-3)
        return shape(min((progress - warmup) / (1 - warmup), 1.0))

    return rate


def _need(holds: bool, name: str, otherwise: str) -> None:
    if not holds:
        raise BadInput(f"schedule {name!r}: {otherwise}.")


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
