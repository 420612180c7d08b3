"""How a bench is watched: bars on a terminal, a few plain lines in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from zoo.cli.pace import RunsPace
from zoo.cli.terminal import echo, plain

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from zoo.harness.results.run_record import RunRecord
    from zoo.harness.run.reporter import Reporter

_QUIET_SECONDS = 30.0
"""In a pipe, one line a run in this time at most."""


@contextmanager
def watching() -> Iterator[Reporter]:
    """The reporter that fits where the output goes."""
    if not sys.stderr.isatty():
        yield PlainReporter()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[detail]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield RichReporter(progress)


class PlainReporter:
    """Lines: what is planned, what starts, a sign of life now and then, what came of it."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[str, float]] = {}
        self._pace = RunsPace(0)

    def planned(self, runs: Sequence[str], done: Sequence[str]) -> None:
        self._pace = RunsPace(len(runs))
        _say(_plan(runs, done))

    def started(self, run: str) -> None:
        self._said[run] = "", time.monotonic()
        _say(f"{run}: started")

    def progress(self, run: str, state: Mapping[str, Any]) -> None:
        phase, now = str(state.get("phase", "")), time.monotonic()
        self._pace.at_work(run, phase, float(state.get("fraction", 0.0)))
        before, at = self._said.get(run, ("", 0.0))
        if (phase != before and before) or now - at > _QUIET_SECONDS:
            _say(f"{run}: {_detail(state)}")
            at = now
        self._said[run] = phase, at

    def finished(self, run: str, record: RunRecord) -> None:
        self._said.pop(run, None)
        self._pace.finish(run)
        _say(f"{run}: {_outcome(record)} ({self._pace})")

    def note(self, text: str) -> None:
        _say(text)


class RichReporter:
    """A bar for all runs, and one for each that is at work."""

    def __init__(self, progress: Progress):
        self._progress = progress
        self._total: TaskID | None = None
        self._bars: dict[str, TaskID] = {}
        self._pace = RunsPace(0)

    def planned(self, runs: Sequence[str], done: Sequence[str]) -> None:
        self.note(_plan(runs, done))
        if runs:
            self._pace = RunsPace(len(runs))
            self._total = self._progress.add_task("all runs", total=len(runs), detail=str(self._pace))

    def started(self, run: str) -> None:
        self._bars[run] = self._progress.add_task(plain(run), total=100, detail="starting")

    def progress(self, run: str, state: Mapping[str, Any]) -> None:
        if run in self._bars:
            fraction = float(state.get("fraction", 0.0))
            self._pace.at_work(run, str(state.get("phase", "")), fraction)
            self._tell_total()
            done = round(100 * fraction)
            self._progress.update(self._bars[run], completed=done, detail=plain(_detail(state, percent=False)))

    def finished(self, run: str, record: RunRecord) -> None:
        if run in self._bars:
            self._progress.remove_task(self._bars.pop(run))
        self._pace.finish(run)
        self._tell_total()
        self.note(f"{run}: {_outcome(record)}")

    def _tell_total(self) -> None:
        if self._total is not None:
            self._progress.update(self._total, completed=self._pace.finished, detail=str(self._pace))

    def note(self, text: str) -> None:
        self._progress.console.print(plain(text), highlight=False, markup=False, soft_wrap=True)


def _plan(runs: Sequence[str], done: Sequence[str]) -> str:
    return f"{len(runs)} runs to do, {len(done)} done already"


def _detail(state: Mapping[str, Any], *, percent: bool = True) -> str:
    parts = [str(state.get("phase", ""))]
    if percent and "fraction" in state:
        parts.append(f"{float(state['fraction']):.0%}")
    if state.get("loss") is not None:
        parts.append(f"loss {float(state['loss']):.4f}")
    if state.get("photos_per_s") is not None:
        parts.append(f"{float(state['photos_per_s']):.0f} photos/s")
    return " ".join(filter(None, parts))


def _outcome(record: RunRecord) -> str:
    """Scores are written as in the tables: rounded once, to their columns' decimals."""
    from zoo.harness.results.measured import described

    if not record.ok:
        return f"{record.status}: {record.error}"
    scores = [(name, described(name).text(value)) for name, value in list(record.scores.items())[:3]]
    return ", ".join(["ok", *(f"{name} {text}" for name, text in scores if text)])


def _say(text: str) -> None:
    echo(text, err=True)
