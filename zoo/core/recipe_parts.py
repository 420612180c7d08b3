"""What a recipe names, made: its losses and its objective around a colorizer."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from zoo.core.assemble import make
from zoo.core.colorizer import Colorizer
from zoo.core.contracts import Objective
from zoo.core.spec import RecipeRow, part_ref


def make_objective(
    recipe: RecipeRow, colorizer: Colorizer, device: torch.device | str
) -> tuple[Objective, tuple[str, ...]]:
    """The recipe's objective with its losses, on the device, and what any of them wants beyond the condition.

    Raises:
        UnknownName, BrokenPlugin, BadInput, Unavailable: a loss or the objective cannot be had, or does not fit.
    """
    losses: dict[str, tuple[float, Any]] = {}
    for name, value in recipe.losses.items():
        options = dict(value) if isinstance(value, dict) else {"weight": value}
        weight = float(options.pop("weight", 1.0))
        loss = make("losses", name, **options)
        losses[name] = weight, loss.to(device) if isinstance(loss, nn.Module) else loss
    objective: Objective = make("objectives", part_ref(recipe.objective, "objective"), colorizer, losses)
    if isinstance(objective, nn.Module):
        objective.to(device)
    wanting = (colorizer, objective, *(loss for _, loss in losses.values()))
    return objective, tuple(dict.fromkeys(name for part in wanting for name in getattr(part, "extras", ())))
