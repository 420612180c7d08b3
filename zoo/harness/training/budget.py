"""How long a run trains: steps, epochs, or the steps that fill some seconds; and the clock of a training, which counts
the seconds in which the process was at work, without those in which it stood still.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator

import msgspec

from zoo.core.errors import BadInput


class Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Exactly one of the three.

    Epochs and seconds are turned into steps before training begins: seconds, of training only, into as many as fill
    them by a step's measured time. From then on a run of seconds is one of so many steps, wherever it goes on.
    """

    steps: int | None = None
    epochs: float | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        given = [value for value in (self.steps, self.epochs, self.seconds) if value is not None]
        if len(given) != 1 or not (math.isfinite(given[0]) and given[0] > 0):
            raise ValueError("a budget is one positive number of steps, epochs or seconds")

    def __str__(self) -> str:
        """``180 steps``, ``20 seconds``."""
        (told,) = (f"{value:g} {unit}" for unit, value in msgspec.structs.asdict(self).items() if value is not None)
        return told

    def in_steps(self, photos: int, batch: float) -> Budget:
        """Epochs as the steps they take on ``photos`` photos (rounded up); the others unchanged.

        Args:
            batch: photos a step, on the average.
        """
        if self.epochs is None:
            return self
        return Budget(steps=math.ceil(self.epochs * photos / batch))

    def filled(self, step_seconds: float) -> Budget:
        """Seconds as the whole steps that fit into them, at least one; the others unchanged.

        Args:
            step_seconds: what a step takes.
        """
        if self.seconds is None:
            return self
        return Budget(steps=max(1, math.floor(self.seconds / step_seconds)))

    def progress(self, step: int) -> float:
        """The part that is spent, 1 or more when it is over. Epochs and seconds are turned into steps first."""
        assert self.steps is not None, "turn it into steps with in_steps or filled first"
        return step / self.steps


def parse_budget(text: str) -> Budget:
    """``steps=300``, ``epochs=3`` or ``seconds=60``.

    Raises:
        BadInput: anything else.
    """
    unit, _, number = text.partition("=")
    try:
        value = float(number)
        if unit.strip() == "steps":
            if value != int(value):
                raise ValueError("half a step")
            return Budget(steps=int(value))
        return Budget(**{unit.strip(): value})  # type: ignore[arg-type]
    except (ValueError, TypeError, OverflowError):
        raise BadInput(f"--budget {text!r} is not understood; write steps=300, epochs=3 or seconds=60.") from None


GAP_SECONDS = 1.0
"""A shorter standstill is a busy machine's."""

WORKING = 0.1
"""The share of a lap that a process at work spends on a core, at least."""

BEAT_SECONDS = 0.1


class TrainingClock:
    """Counts seconds while it is :meth:`running`; a gap, in which the process did nothing, is left out.

    A process that is stopped (SIGSTOP, a paused container) or swapped out makes no step, yet the wall clock goes on:
    a budget in seconds would be spent on nothing. While the clock runs a thread of its own reads it ten times a second.
    When two readings lie more than a second apart and the process has used the cores for less than a tenth of that,
    none of its threads ran: that was a gap. Waiting for a GPU is none, since the thread goes on reading.

    Args:
        wall, cpu: clocks in seconds: time as it passes, and the time of all threads of this process on cores.
    """

    def __init__(
        self, *, wall: Callable[[], float] = time.perf_counter, cpu: Callable[[], float] = time.process_time
    ) -> None:
        self.seconds = 0.0
        self.gaps = 0.0
        self._wall = wall
        self._cpu = cpu
        self._lock = threading.Lock()
        self._last: tuple[float, float] | None = None

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Count what passes inside."""
        over = threading.Event()
        thread = threading.Thread(target=self._beat, args=(over,), name="training clock", daemon=True)
        self._last = self._wall(), self._cpu()
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self.read()
            self._last = None

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Do not count what passes inside: checkpoints and logs are not training."""
        self.read()
        with self._lock:
            self._last = None
        try:
            yield
        finally:
            with self._lock:
                self._last = self._wall(), self._cpu()

    def read(self) -> float:
        """The seconds so far."""
        with self._lock:
            if self._last is not None:
                now = self._wall(), self._cpu()
                passed, worked = now[0] - self._last[0], now[1] - self._last[1]
                self._last = now
                if passed > GAP_SECONDS and worked < WORKING * passed:
                    self.gaps += passed - worked
                    passed = worked
                self.seconds += passed
            return self.seconds

    def _beat(self, over: threading.Event) -> None:
        while not over.wait(BEAT_SECONDS):
            self.read()
