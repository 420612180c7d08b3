"""What connects a run's process with its bench: how far it is goes up, whether it shall stop comes down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Line(NamedTuple):
    """``send`` takes a message, ``stop`` says whether the bench wants the run to end."""

    send: Callable[[dict[str, Any]], None]
    stop: Callable[[], bool]

    def progress(self, phase: str, fraction: float, **values: float) -> None:
        """Tell which part of the run is under way, and the share of it that is done."""
        self.send({"phase": phase, "fraction": fraction, **values})

    def note(self, sentence: str) -> None:
        """Tell something that whoever watches should know."""
        self.send({"note": sentence})
