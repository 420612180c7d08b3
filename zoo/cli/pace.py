"""How fast something goes, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable


class Pace:
    """Counts what is done of ``total``; fractions count too.

    Args:
        clock: seconds, as :func:`time.monotonic`.
    """

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic):
        self.total = total
        self.done = 0.0
        self._clock = clock
        self._start = clock()

    @property
    def rate(self) -> float:
        """Units a second; 0 before anything is done."""
        seconds = self._clock() - self._start
        return self.done / seconds if seconds > 0 else 0.0

    def left(self) -> str:
        """``about 5 min left``; empty while there is nothing to judge by, and when all is done."""
        if self.rate == 0 or self.done >= self.total:
            return ""
        return f"about {duration((self.total - self.done) / self.rate)} left"


def duration(seconds: float) -> str:
    """``40 s``, ``12 min`` or ``3 h 20 min``: as exact as an estimate is."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"
