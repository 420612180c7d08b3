"""From values to places along an axis, and the round values to write beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

FEWEST_TICKS = 3
"""With fewer a reader cannot see how an axis goes on."""


@dataclass(frozen=True)
class Scale:
    """An axis from ``low`` to ``high``; :meth:`along` is 0 at its start and 1 at its end."""

    low: float
    high: float
    ticks: tuple[float, ...]
    bend: Callable[[float], float]

    def along(self, value: float) -> float:
        start, end = self.bend(self.low), self.bend(self.high)
        return (self.bend(value) - start) / (end - start)


def linear(values: Sequence[float], *, ticks: int = 6) -> Scale:
    """Evenly divided, with a margin, at steps of 1, 2 or 5 times a power of ten."""
    low, high = _spread(min(values), max(values))
    margin = 0.04 * (high - low)
    low, high = low - margin, high + margin
    step = _round_step((high - low) / ticks)
    first = math.ceil(low / step)
    return Scale(low, high, tuple(k * step for k in range(first, math.floor(high / step) + 1)), float)


def logarithmic(values: Sequence[float], *, only_decades_from: float = 3.0) -> Scale:
    """For positive values; ticks at 1, 2, 5, and at powers of ten alone when the axis spans many."""
    low, high = min(values), max(values)
    low, high = low / (high / low) ** 0.05 / 1.05, high * (high / low) ** 0.05 * 1.05
    decades = math.log10(high / low)
    digits = (1,) if decades > only_decades_from else (1, 2, 5)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [digit * 10.0**power for power in powers for digit in digits]
    inside = [tick for tick in ticks if low <= tick <= high]
    if len(inside) < FEWEST_TICKS:  # a short axis is nearly straight, and round steps divide it
        inside = [tick for tick in linear([low, high]).ticks if low <= tick <= high]
    return Scale(low, high, tuple(inside), math.log10)


def levels(values: Sequence[float]) -> Scale:
    """For a few levels that grow by factors and may start at 0; a tick at each."""
    ticks = tuple(sorted(set(values)))
    smallest = min((tick for tick in ticks if tick > 0), default=1.0)
    low, high = _spread(ticks[0], ticks[-1])
    return Scale(low, high, ticks, lambda value: math.log1p(max(value, 0.0) / smallest))


def shown(value: float) -> str:
    """A tick's text: short, without an exponent where it can be."""
    return f"{value:,.0f}".replace(",", " ") if abs(value) >= 1000 else f"{value:.6g}"


def _spread(low: float, high: float) -> tuple[float, float]:
    """A single value gets room on both sides."""
    if high > low:
        return low, high
    room = abs(low) * 0.05 or 1.0
    return low - (room if low else 0.0), high + room


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(digit * power for digit in (1, 2, 5, 10) if digit * power >= rough * 0.999)
