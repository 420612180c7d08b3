"""The learning rate as a function of progress, so that every kind of budget has the same shape."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zoo.core.assemble import make
from zoo.core.errors import BadInput

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
