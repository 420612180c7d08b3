"""The learning rate as a function of progress, so that every kind of budget has the same shape."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from zoo.core.errors import BadInput, did_you_mean
from zoo.core.spec import part_ref

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


_SHAPES: dict[str, Callable[..., Shape]] = {"cosine": cosine, "constant": constant, "linear": linear, "step": step}


def factor(schedule: str | Mapping[str, Any], progress: float, warmup: float = 0.0) -> float:
    """What the learning rate is multiplied with.

    Args:
        schedule: ``cosine``, ``constant``, ``linear`` or ``step``, by name or as ``{name: …, **options}``.
        progress: in [0, 1], the part of the budget that is spent.
        warmup: the part of the budget over which the rate first rises linearly.

    Raises:
        BadInput: an unknown schedule, or an option that it does not have or that does not fit.
    """
    shape = _shape(msgspec.json.encode(schedule))
    if progress < warmup:
        return max(progress / warmup, 1e-3)
    return shape(min((progress - warmup) / (1 - warmup), 1.0))


@lru_cache(maxsize=8)
def _shape(schedule: bytes) -> Shape:
    """The shape of a schedule, which is asked for at every step; as JSON, since a mapping cannot be a key."""
    ref = part_ref(msgspec.json.decode(schedule), "the schedule")
    if ref.name not in _SHAPES:
        raise BadInput(f"Unknown schedule {ref.name!r}; {did_you_mean(ref.name, _SHAPES)}")
    make = _SHAPES[ref.name]
    known = inspect.signature(make).parameters
    for option in ref.options:
        if option not in known:
            raise BadInput(f"schedule {ref.name!r} has no option {option!r}; {did_you_mean(option, known)}")
    try:
        return make(**ref.options)
    except TypeError as error:
        raise BadInput(f"schedule {ref.name!r}: an option does not fit ({error}).") from None


def _need(holds: bool, name: str, otherwise: str) -> None:
    if not holds:
        raise BadInput(f"schedule {name!r}: {otherwise}.")
