"""What a run tells while it is at work: its bench how far it is, and trackers, which are told and decide nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from zoo.core.assemble import make
from zoo.core.errors import reason_of
from zoo.core.registry import current


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


class Tracker(Protocol):
    """``Tracker(run_folder, run_name, config)``, made in the run's process; once more when a run is taken up again.

    A class may have ``require()``, which raises :class:`zoo.core.errors.Unavailable` naming the package to
    install; a bench asks it before it starts anything.
    """

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Terms of the loss, the learning rate, or a PSNR on the way, at an optimizer step."""
        ...

    def finish(self, status: str, scores: Mapping[str, float]) -> None:
        """The run is over: ``ok``, or why not; the mean of each metric where it was scored."""
        ...


def check_trackers(names: Sequence[str]) -> None:
    """Refuse trackers that cannot be had before anything is run.

    Raises:
        UnknownName, BrokenPlugin: no such tracker, or it cannot be imported.
        Unavailable: its library is not installed; names the package.
    """
    for name in names:
        getattr(current().load("trackers", name), "require", lambda: None)()


class Tracking:
    """All trackers of a run. One that fails is told no more, and ``notes`` say so: a run outlives its onlookers."""

    def __init__(self, names: Sequence[str], run_folder: Path, run_name: str, config: Mapping[str, Any]):
        self.notes: list[str] = []
        self._trackers: dict[str, Tracker] = {}
        for name in names:
            self._attempt(name, partial(self._open, name, run_folder, run_name, config))

    def log(self, step: int, values: Mapping[str, float]) -> None:
        for name, tracker in list(self._trackers.items()):
            self._attempt(name, partial(tracker.log, step, values))

    def finish(self, status: str, scores: Mapping[str, float | None]) -> None:
        known = {name: value for name, value in scores.items() if value is not None}
        for name, tracker in list(self._trackers.items()):
            self._attempt(name, partial(tracker.finish, status, known))

    def _open(self, name: str, run_folder: Path, run_name: str, config: Mapping[str, Any]) -> None:
        self._trackers[name] = make("trackers", name, run_folder, run_name, config)

    def _attempt(self, name: str, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:
            self._trackers.pop(name, None)
            self.notes.append(f"tracker {name} stopped: {reason_of(error)}")
