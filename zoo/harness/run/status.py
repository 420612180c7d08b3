"""How a bench stands, in a file of its results folder: what ``zoo watch`` reads, from any terminal or machine.

The bench's own process writes it from what its runs tell it, wherever they are carried out. It decides nothing.
"""

from __future__ import annotations

import contextlib
import datetime
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from zoo.core.errors import BadInput
from zoo.core.files import is_locked, write_whole
from zoo.harness.plan.planned_run import Run
from zoo.harness.results.run_record import RunRecord
from zoo.harness.results.store import run_folders
from zoo.harness.run.reporter import Reporter

NAME = ".bench.json"
_SECONDS_BETWEEN = 2.0
"""Progress is written no more often than that; what begins and ends, at once."""

PENDING, RUNNING, DONE, FAILED = "pending", "running", "done", "failed"
STATES = (RUNNING, FAILED, PENDING, DONE)


class RunStatus(msgspec.Struct, kw_only=True):
    """One run: ``state`` is of :data:`STATES`; times are UTC, ISO 8601; ``seconds`` are those of its training so far.

    ``heard`` is when it last said something; ``fraction`` is the share of its ``phase`` that is done. ``said`` is what
    came of it: the reason of a failure, or its status.
    """

    name: str
    folder: str
    state: str = PENDING
    phase: str = ""
    fraction: float = 0.0
    step: int | None = None
    seconds: float | None = None
    loss: float | None = None
    photos_per_s: float | None = None
    started: str = ""
    heard: str = ""
    said: str = ""
    psnr: float | None = None

    @property
    def left(self) -> float | None:
        """Seconds until its training is done at its pace so far; None where that cannot be said."""
        if self.state != RUNNING or self.phase != "training" or not self.seconds or not self.fraction:
            return None
        return self.seconds * (1 - self.fraction) / self.fraction


class BenchStatus(msgspec.Struct, kw_only=True):
    """A bench: ``ended`` is empty while it is at work, ``finished``, or ``stopped``. ``before`` runs were done already.

    ``at_work`` is not written: whoever reads finds it out.
    """

    suite: str
    started: str
    heard: str
    ended: str = ""
    before: int = 0
    runs: list[RunStatus] = []
    note: str = ""
    schema: int = 1
    at_work: bool = False

    def of(self, state: str) -> list[RunStatus]:
        return [run for run in self.runs if run.state == state]


def now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class StatusReporter:
    """Tells another reporter everything, and keeps the file."""

    def __init__(self, reporter: Reporter, results: Path, suite: str, runs: Sequence[Run]):
        self._reporter = reporter
        self._path = results / NAME
        self._status = BenchStatus(suite=suite, started=now(), heard=now())
        self._runs = {run.name: RunStatus(name=run.name, folder=run.folder) for run in runs}
        self._written = float("-inf")
        self._failed = False

    def planned(self, runs: Sequence[str], done: Sequence[str]) -> None:
        for name in done:
            self._runs[name].state = DONE
        self._status.before = len(done)
        self._write()
        self._reporter.planned(runs, done)

    def started(self, run: str) -> None:
        self._tell(run, state=RUNNING, started=now())
        self._reporter.started(run)

    def progress(self, run: str, state: dict[str, Any]) -> None:
        known = {key: value for key, value in state.items() if key in RunStatus.__struct_fields__}
        self._tell(run, at_once=False, **known)
        self._reporter.progress(run, state)

    def finished(self, run: str, record: RunRecord) -> None:
        said = record.status if record.ok else f"{record.status}: {record.error}".rstrip(": ")
        self._tell(run, state=DONE if record.ok else FAILED, said=said, psnr=record.scores.get("psnr"))
        self._reporter.finished(run, record)

    def note(self, text: str) -> None:
        self._status.note = text
        self._reporter.note(text)

    def end(self, how: str) -> None:
        """The bench ends; a run that was at work is to be taken up by the next one."""
        self._status.ended = how
        for run in self._runs.values():
            if run.state == RUNNING:
                run.state = PENDING
        self._write()

    def _tell(self, name: str, *, at_once: bool = True, **fields: Any) -> None:
        run = self._runs[name]
        for field, value in {**fields, "heard": now()}.items():
            setattr(run, field, value)
        if at_once or time.monotonic() - self._written > _SECONDS_BETWEEN:
            self._write()

    def _write(self) -> None:
        """A full disk must not stop the runs; it is said once."""
        self._status.heard = now()
        self._status.runs = list(self._runs.values())
        try:
            write_whole(self._path, msgspec.json.encode(self._status))
        except BadInput as error:
            if not self._failed:
                self._reporter.note(f"zoo watch cannot be told: {error}")
            self._failed = True
        self._written = time.monotonic()


@contextlib.contextmanager
def told_in_a_file(reporter: Reporter, results: Path, suite: str, runs: Sequence[Run]) -> Iterator[Reporter]:
    """The reporter, which keeps ``.bench.json`` of the results folder besides until the bench ends."""
    told = StatusReporter(reporter, results, suite, runs)
    try:
        yield told
    except BaseException:
        told.end("stopped")
        raise
    told.end("finished")


def read_status(results: Path) -> BenchStatus:
    """How the last bench of a results folder stands; only reads.

    A folder that no bench has written the file into, a published one, has its runs' own records.

    Raises:
        BadInput: no such folder, neither file nor runs in it, or the file is damaged.
    """
    if not results.is_dir():
        raise BadInput(f"{results} does not exist; name the folder that a bench writes into, such as benches/quick.")
    path = results / NAME
    try:
        status = msgspec.json.decode(path.read_bytes(), type=BenchStatus)
    except FileNotFoundError:
        status = _from_records(results)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read ({error}); the next bench writes it anew.") from None
    # What `zoo rm` took away is no run any more.
    status.runs = [run for run in status.runs if run.state != DONE or (results / run.folder).is_dir()]
    status.at_work = not status.ended and is_locked(results / ".lock")
    if not status.at_work:
        for run in status.of(RUNNING):  # of a bench that was killed
            run.state = PENDING
    return status


def _from_records(results: Path) -> BenchStatus:
    records: Mapping[str, RunRecord | None] = {
        str(run.path.relative_to(results)): run.record() for run in run_folders(results)
    }
    known = {folder: record for folder, record in records.items() if record is not None}
    if not known:
        raise BadInput(f"{results} holds no runs; name the folder that a bench writes into, such as benches/quick.")
    ended = [record.provenance.finished for record in known.values()]
    runs = [
        RunStatus(
            name=f"{record.label} seed {record.seed}",
            folder=folder,
            state=DONE if record.ok else FAILED,
            heard=record.provenance.finished,
            said=record.status if record.ok else f"{record.status}: {record.error}",
            psnr=record.scores.get("psnr"),
        )
        for folder, record in known.items()
    ]
    suite = next(iter(known.values())).suite
    return BenchStatus(suite=suite, started=min(ended), heard=max(ended), ended="finished", runs=runs)
