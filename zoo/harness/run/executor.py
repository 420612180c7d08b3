"""Where runs are carried out. ``local`` is registered; a package may add one (entry-point group ``zoo.executors``)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol


class Task(Protocol):
    """One function at work in a process of its own."""

    @property
    def alive(self) -> bool: ...

    @property
    def exitcode(self) -> int | None:
        """0 fine; negative: the signal that ended it; None while it is alive."""
        ...

    def messages(self) -> list[dict[str, Any]]:
        """What it has sent since the last call."""
        ...

    def stop(self) -> None:
        """Ask it to stop at the next good moment."""
        ...

    def kill(self) -> None: ...

    def join(self, seconds: float) -> None: ...


class Executor(Protocol):
    """``Executor()``."""

    def start(self, function: str, payload: dict[str, Any], *, output: Path | None = None) -> Task:
        """Run ``module:function`` as ``function(payload, send, stop)``; ``output`` takes what it prints."""
        ...

    def wait(self, tasks: Iterable[Any], seconds: float) -> None:
        """Until one of the tasks ends or says something, or ``seconds`` have passed."""
        ...
