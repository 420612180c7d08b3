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


class SilentReporter:
    """Says nothing."""

    def planned(self, runs: Sequence[str], done: Sequence[str]) -> None: ...

    def started(self, run: str) -> None: ...

    def progress(self, run: str, state: dict[str, Any]) -> None: ...

    def finished(self, run: str, record: RunRecord) -> None: ...

    def note(self, text: str) -> None: ...
