"""The learning rate as a function of progress, so that every kind of budget has the same shape."""

from __future__ import annotations

import math
from collections.abc import Callable

from zoo.core.errors import BadInput, did_you_mean

_SHAPES: dict[str, Callable[[float], float]] = {
    "cosine": lambda p: 0.5 * (1 + math.cos(math.pi * p)),
    "constant": lambda p: 1.0,
    "linear": lambda p: 1 - p,
    # Zhang 2016's: a tenth after three quarters of the training, kept simple.
    "step": lambda p: 1.0 if p < 0.75 else 0.1,
}


def factor(schedule: str, progress: float, warmup: float = 0.0) -> float:
    """What the learning rate is multiplied with.

    Args:
        schedule: ``cosine``, ``constant``, ``linear`` or ``step``.
        progress: in [0, 1], the part of the budget that is spent.
        warmup: the part of the budget over which the rate first rises linearly.

    Raises:
        BadInput: an unknown schedule.
    """
    if schedule not in _SHAPES:
        raise BadInput(f"Unknown schedule {schedule!r}; {did_you_mean(schedule, _SHAPES)}")
    if progress < warmup:
        return max(progress / warmup, 1e-3)
    return _SHAPES[schedule](min((progress - warmup) / (1 - warmup), 1.0))
