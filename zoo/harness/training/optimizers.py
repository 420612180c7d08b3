"""Optimizers by name. Decay acts on weight matrices and kernels only, not on biases and norms."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from zoo.core.errors import BadInput, did_you_mean
from zoo.core.spec import RecipeRow


def _adam(kind: type[torch.optim.Optimizer]) -> Callable[..., torch.optim.Optimizer]:
    def make(groups: list[dict[str, Any]], recipe: RecipeRow, fused: bool) -> torch.optim.Optimizer:
        return kind(groups, lr=recipe.lr, betas=recipe.betas, fused=fused)  # type: ignore[call-arg]

    return make


def _sgd(groups: list[dict[str, Any]], recipe: RecipeRow, fused: bool) -> torch.optim.Optimizer:
    return torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum, fused=fused)


def _adadelta(groups: list[dict[str, Any]], recipe: RecipeRow, fused: bool) -> torch.optim.Optimizer:
    return torch.optim.Adadelta(groups, lr=recipe.lr)


_MAKERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adamw": _adam(torch.optim.AdamW),
    "adam": _adam(torch.optim.Adam),
    "sgd": _sgd,
    "adadelta": _adadelta,
}


def make_optimizer(parameters: Iterable[nn.Parameter], recipe: RecipeRow) -> torch.optim.Optimizer:
    """The recipe's optimizer over ``parameters``, fused where torch has a fused kernel.

    Parameters that are frozen now are included too: an objective may unfreeze them later, and a
    parameter without a gradient is left alone.

    Raises:
        BadInput: an unknown optimizer.
    """
    if recipe.optimizer not in _MAKERS:
        raise BadInput(f"Unknown optimizer {recipe.optimizer!r}; {did_you_mean(recipe.optimizer, _MAKERS)}")
    parameters = list(parameters)
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    fused = all(p.device.type in ("cpu", "cuda") and p.is_floating_point() for p in parameters)
    return _MAKERS[recipe.optimizer](groups, recipe, fused)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """One rate for all groups."""
    for group in optimizer.param_groups:
        group["lr"] = rate
