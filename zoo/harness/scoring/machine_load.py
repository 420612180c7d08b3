"""Whether a measurement had the machine for itself: the share of the time in which this process had to wait."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

_TASKS = Path("/proc/self/task")

QUIET = 0.1
"""Up to this share of waiting a measurement counts as undisturbed."""


class Load:
    """How much others got in the way since this object was made.

    Linux counts for every thread the nanoseconds in which it could have run and another one was on the core
    (Documentation/scheduler/sched-stats, ``/proc/<pid>/schedstat``, second field). Elsewhere the machine's load
    average of the last minute, beyond the cores there are, stands in for it.
    """

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._waited = _waited()

    def share(self) -> float:
        """Seconds of waiting a second, over all threads: 0 undisturbed, 1 a thread that had half a core."""
        elapsed = max(time.perf_counter() - self._started, 1e-9)
        now = _waited()
        if self._waited is None or now is None:
            return _crowding()
        # A thread that has ended takes its count with it.
        return max(0.0, now - self._waited) / elapsed


def _waited() -> float | None:
    """Seconds that this process's threads have waited for a core, or None where nobody counts them."""
    total = 0.0
    try:
        tasks = list(_TASKS.iterdir())
    except OSError:
        return None
    for task in tasks:
        with contextlib.suppress(OSError):  # a thread that has just ended
            fields = (task / "schedstat").read_text(encoding="ascii").split()
            if len(fields) != 3:
                return None
            total += int(fields[1]) / 1e9
    return total


def _crowding() -> float:
    """Runnable threads beyond the cores there are, a core; 0 where the system does not say."""
    if not hasattr(os, "getloadavg"):
        return 0.0
    processors = os.sysconf("SC_NPROCESSORS_ONLN")
    return max(0.0, os.getloadavg()[0] - processors) / processors
