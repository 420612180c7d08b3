"""What a bench tells whoever watches it; the command line draws it, tests record it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class Reporter(Protocol):
    """Called from the bench's own process, in the order things happen.

    ``run`` is ``"<model> seed <k>"``; ``row`` is the finished run's ``run.json`` as a mapping, with at
    least ``status``, ``error`` and ``scores``.
    """

    def planned(self, runs: Sequence[str], done: Sequence[str]) -> None: ...

    def started(self, run: str) -> None: ...

    def progress(self, run: str, state: dict[str, Any]) -> None:
        """``state``: phase (``data``, ``training``, ``evaluating``), fraction in [0, 1], loss, photos_per_s."""
        ...

    def finished(self, run: str, row: dict[str, Any]) -> None: ...

    def note(self, text: str) -> None: ...


class SilentReporter:
    """Says nothing."""

    def planned(self, runs: Sequence[str], done: Sequence[str]) -> None: ...

    def started(self, run: str) -> None: ...

    def progress(self, run: str, state: dict[str, Any]) -> None: ...

    def finished(self, run: str, row: dict[str, Any]) -> None: ...

    def note(self, text: str) -> None: ...
