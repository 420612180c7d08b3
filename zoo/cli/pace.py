"""How fast something goes, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable

from zoo.harness.run.reporter import duration


class Pace:
    """Counts what is done of ``total``; fractions count too.

    Args:
        clock: seconds, as :func:`time.monotonic`.
    """

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic):
        self.total = total
        self.done = 0.0
        self._passed = 0
        self._clock = clock
        self._start = self._last = clock()

    def step(self, *, worked: bool = True) -> None:
        """One more is done. Of one that was only passed over neither it nor its time tells of those to come."""
        now = self._clock()
        self.done += 1
        if not worked:
            self._passed += 1
            self._start += now - self._last
        self._last = now

    @property
    def rate(self) -> float:
        """Units a second that were worked on; 0 before any was."""
        seconds = self._clock() - self._start
        return (self.done - self._passed) / seconds if seconds > 0 else 0.0

    def left(self) -> str:
        """``about 5 min left``; empty while there is nothing to judge by, and when all is done."""
        if self.rate == 0 or self.done >= self.total:
            return ""
        return f"about {duration((self.total - self.done) / self.rate)} left"


class RunsPace:
    """The pace of a bench: runs that are finished, and how far those at work are.

    Args:
        runs: how many there are to do.
    """

    _TRAINED = 0.9
    """What of a run is done when its training is: scoring comes next."""
    _ENOUGH = 0.05
    """Of all the work; before that an estimate would be made of a baseline that took a second."""

    def __init__(self, runs: int, clock: Callable[[], float] = time.monotonic):
        self.finished = 0
        self._at_work: dict[str, float] = {}
        self._pace = Pace(runs, clock)

    def at_work(self, run: str, phase: str, fraction: float) -> None:
        """A run has come so far in its phase (``data``, ``training``, ``evaluating``)."""
        done = {"training": self._TRAINED * fraction, "evaluating": self._TRAINED + (1 - self._TRAINED) * fraction}
        self._at_work[run] = done.get(phase, 0.0)

    def finish(self, run: str) -> None:
        """A run has come to its end, whatever that was."""
        self._at_work.pop(run, None)
        self.finished += 1

    def __str__(self) -> str:
        """``3 of 55, about 12 min left``."""
        pace = self._pace
        pace.done = self.finished + sum(self._at_work.values())
        left = pace.left() if pace.done >= self._ENOUGH * pace.total else ""
        return ", ".join(filter(None, (f"{self.finished} of {pace.total}", left)))
