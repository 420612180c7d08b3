"""What a bench tells whoever watches it; the command line draws it, tests record it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from zoo.harness.results.run_record import RunRecord


class Reporter(Protocol):
    """Called from the bench's own process, in the order things happen.

    ``run`` is ``"<model> seed <k>"``; ``record`` is the ended run's ``run.json``.
    """

    def planned(self, runs: Sequence[str], done: Sequence[str]) -> None: ...

    def started(self, run: str) -> None: ...

    def progress(self, run: str, state: dict[str, Any]) -> None:
        """``state``: phase (``data``, ``training``, ``evaluating``), fraction in [0, 1], loss, photos_per_s."""
        ...

    def finished(self, run: str, record: RunRecord) -> None: ...

    def note(self, text: str) -> None: ...


def duration(seconds: float) -> str:
    """``40 s``, ``12 min`` or ``3 h 20 min``: as exact as an estimate is."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


class SilentReporter:
    """Says nothing."""

    def planned(self, runs: Sequence[str], done: Sequence[str]) -> None: ...

    def started(self, run: str) -> None: ...

    def progress(self, run: str, state: dict[str, Any]) -> None: ...

    def finished(self, run: str, record: RunRecord) -> None: ...

    def note(self, text: str) -> None: ...
