"""Run folders: what lies where, written so that it is whole or not there at all."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import msgspec

from zoo.core.errors import BadInput
from zoo.core.files import csv_text, make_folder, number, read_csv, read_csv_lines, unwritable, write_whole
from zoo.harness.results.run_record import CurvePoint, RunRecord, read_record


class SweepScore(NamedTuple):
    """A row of a run's hints.csv: one photo at one level. ``hint_error`` is NaN where the photo has no hint."""

    sweep: str
    level: float
    image: str
    psnr: float
    hint_error: float


class LogEntry(msgspec.Struct, frozen=True):
    """A line of a run's log.jsonl, in which ``terms`` stand flat: those of the loss at a step, or a point of the curve.

    Attributes:
        terms: a player's name → its loss, ``player/name`` → a part of it; none at a point.
    """

    step: int
    seconds: float
    terms: dict[str, float] = {}
    point: CurvePoint | None = None

    @classmethod
    def of_step(cls, log: Mapping[str, float]) -> LogEntry:
        """What a training tells after a step: ``step``, ``seconds`` and the terms, six decimals each."""
        return cls._flat({name: round(value, 6) for name, value in log.items()})

    @classmethod
    def of_point(cls, point: CurvePoint) -> LogEntry:
        return cls(point.step, point.seconds, point=point)

    @classmethod
    def read(cls, line: bytes) -> LogEntry:
        """One line.

        Raises:
            ValueError: it is damaged.
        """
        said = json.loads(line)  # a part of a loss may be NaN, which msgspec does not read
        try:
            if said.pop("curve", False):
                return cls.of_point(msgspec.convert(said, CurvePoint))
            return cls._flat(said)
        except (msgspec.ValidationError, AttributeError, KeyError, TypeError) as error:
            raise ValueError(str(error)) from None

    @classmethod
    def _flat(cls, said: Mapping[str, float]) -> LogEntry:
        terms = {name: value for name, value in said.items() if name not in ("step", "seconds")}
        flat = {"step": said["step"], "seconds": said.get("seconds", 0.0), "terms": terms}
        return msgspec.convert(flat, cls)

    def line(self) -> str:
        """As it stands in the file."""
        if self.point is not None:
            return json.dumps({"curve": True, **msgspec.structs.asdict(self.point)})
        return json.dumps({"step": self.step, "seconds": self.seconds, **self.terms})

    @property
    def loss(self) -> float | None:
        """That of the player that is trained last: of an adversarial pair, the colorizer's."""
        players = [name for name in self.terms if "/" not in name]
        return self.terms["colorizer" if "colorizer" in players else players[-1]] if players else None


_IMAGE = "image"
"""The column of scores.csv and samples.csv that is no metric."""

Stamp = tuple[tuple[int, int, int] | None, ...]
"""What a run's files are known by again: inode, size, time of change each."""


class RunFolder:
    """``runs/<model>/seed<k>-<key>/``."""

    def __init__(self, path: Path, *, attempt_of: RunFolder | None = None):
        self.path = path
        self._attempt_of = attempt_of

    @property
    def results(self) -> Path | None:
        """The results folder it lies in, or None for a run that was copied out of one.

        A symbolic link to a run belongs where the link is; one that lies elsewhere, to where the run is.
        """
        if self._attempt_of:
            return self._attempt_of.results
        for path in (Path(os.path.abspath(self.path)), self.path.resolve()):
            if path.parents[1:2] and path.parents[1].name == "runs":
                return path.parents[2]
        return None

    @property
    def weights(self) -> Path:
        return self.path / "model.safetensors"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint.pt"

    @property
    def log(self) -> Path:
        return self.path / "log.jsonl"

    def record(self) -> RunRecord | None:
        """run.json, or None when there is none.

        Raises:
            BadInput: it is damaged, or of another version.
        """
        path = self.path / "run.json"
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BadInput(f"{path} cannot be read ({error}); delete its folder to run it again.") from None
        return read_record(content, path)

    def scored_record(self) -> RunRecord:
        """run.json of a run that was scored.

        Raises:
            BadInput: there is none, or as :meth:`record`.
        """
        record = self.record()
        if record is None or not record.ok:
            found = "no run.json" if record is None else f"a run with status {record.status}"
            raise BadInput(f"{self.path} holds {found}; name the folder of a finished run.")
        return record

    def write_record(self, record: RunRecord) -> None:
        """Write run.json, last of all: a run is there when its run.json is.

        A finished record is replaced by an ``ok`` one only; another goes to the attempt's place beside it.
        """
        if not record.ok and (attempt := self.workplace()) is not self:
            make_folder(attempt.path)
            attempt.write_record(record)
            return
        write_whole(self.path / "run.json", record.json())

    def is_of(self, record: RunRecord) -> bool:
        """Whether the folder is the record's own place, and no copy of it."""
        return (self.path.parent.name, self.path.name) == (record.model, f"seed{record.seed}-{record.key}")

    def finished(self) -> bool:
        """Whether nothing is left to do: the run is scored and its weights are here, or it diverged.

        The same seed would diverge the same way. Weights stay out of git, so that in a fresh clone the
        published rows are there and the colorizers are yet to be trained.
        """
        record = self.record()
        if record is None:
            return False
        if record.ok and not self.weights.is_file():
            again = self._attempt().record()
            return again is not None and again.finished
        return record.finished

    def workplace(self) -> RunFolder:
        """Where a run is to work: here, or beside a finished record, which stays until another one is ok."""
        record = self.record()
        return self._attempt() if record is not None and record.finished else self

    def last_record(self) -> RunRecord | None:
        """How the last attempt ended: that of the workplace where one was made in vain, else run.json."""
        return self._attempt().record() or self.record()

    def settle(self) -> None:
        """Let an attempt that came to a score take the place of the record it was made beside.

        Its run.json is moved last, so that a process killed in between leaves it to be found and moved on.

        Raises:
            BadInput: a file cannot be moved.
        """
        again = self._attempt()
        record = again.record()
        if record is None or not record.ok:
            return
        names = sorted((file.name for file in again.path.iterdir()), key=lambda name: (name == "run.json", name))
        try:
            for name in names:
                if (self.path / name).is_dir():  # a tracker's
                    shutil.rmtree(self.path / name)
                (again.path / name).replace(self.path / name)
            again.path.rmdir()
        except OSError as error:
            raise unwritable(self.path, error) from error

    def _attempt(self) -> RunFolder:
        return RunFolder(self.path / ".again", attempt_of=self)

    def write_scores(
        self, names: Sequence[str], scores: Mapping[str, Sequence[float | None]], file: str = "scores.csv"
    ) -> None:
        """scores.csv: a row an image, a column a metric, six decimals. samples.csv has the same form."""
        rows = [
            {_IMAGE: name, **{metric: _cell(values[i]) for metric, values in scores.items()}}
            for i, name in enumerate(names)
        ]
        write_whole(self.path / file, csv_text([_IMAGE, *scores], rows))

    def scores(self, file: str = "scores.csv") -> tuple[list[str], dict[str, list[float]]]:
        """The image names, and per metric a score an image (NaN where empty)."""
        with self._reading(file) as path:
            rows = read_csv(path)[1]
            names = [row[_IMAGE] for row in rows]
            metrics = [key for key in (rows[0] if rows else {}) if key != _IMAGE]
            return names, {metric: [number(row[metric]) for row in rows] for metric in metrics}

    def write_hint_scores(self, scores: Iterable[SweepScore]) -> None:
        """hints.csv: a row a sweep, level and image."""
        rows = [
            {**score._asdict(), "psnr": _cell(score.psnr), "hint_error": _cell(score.hint_error)} for score in scores
        ]
        write_whole(self.path / "hints.csv", csv_text(SweepScore._fields, rows))

    def hint_scores(self) -> list[SweepScore]:
        """The rows of hints.csv."""
        found = []
        with self._reading("hints.csv") as path:
            columns, lines = read_csv_lines(path)  # a thousand rows a run, of which a folder may have thousands
            place = {name: at for at, name in enumerate(columns)}
            wanted = itemgetter(*(place[field] for field in SweepScore._fields))
            for sweep, level, image, psnr, error in map(wanted, lines):
                found.append(SweepScore(sweep, number(level), image, number(psnr), number(error)))
        return found

    @contextlib.contextmanager
    def _reading(self, file: str) -> Iterator[Path]:
        path = self.path / file
        try:
            yield path
        except (OSError, ValueError, KeyError) as error:
            reason = f"no column {error}" if isinstance(error, KeyError) else error
            raise BadInput(f"{path} cannot be read ({reason}); delete its folder to run it again.") from None

    def stamp(self) -> Stamp:
        """Changes when one of the files that tables are made of does."""
        return tuple(_stamp(self.path / file) for file in ("run.json", "scores.csv", "samples.csv", "hints.csv"))

    def append_log(self, entry: LogEntry) -> None:
        with self.log.open("a", encoding="utf-8") as file:
            file.write(entry.line() + "\n")

    def logged(self) -> list[LogEntry]:
        """What was logged, without a last line that was cut off when the run was killed; none where there is no log.

        Raises:
            OSError, ValueError: it cannot be read, or is damaged.
        """
        if not self.log.exists():
            return []
        return [LogEntry.read(line) for line in self.log.read_bytes().splitlines() if line.endswith(b"}")]

    def cut_log(self, step: int) -> None:
        """Drop what was logged after ``step``: a resumed run writes it again."""
        if not self.log.exists():
            return
        kept = []
        for line in self.log.read_bytes().splitlines():
            try:
                entry = LogEntry.read(line)
            except ValueError:
                break  # the line that was being written when the run was killed
            if entry.step <= step:
                kept.append(line)
        write_whole(self.log, b"".join(line + b"\n" for line in kept))


def scored_runs(results: Path, model: str, seed: int) -> Iterator[tuple[RunFolder, RunRecord]]:
    """The runs of a model and seed that were scored, each in its own place; damaged ones are left to who needs them."""
    for path in sorted(results.glob(f"runs/{model}/seed{seed}-*/run.json")):
        folder = RunFolder(path.parent)
        with contextlib.suppress(BadInput):
            record = folder.record()
            if record is not None and record.ok and folder.is_of(record):
                yield folder, record


def run_folders(results: Path) -> list[RunFolder]:
    """All runs of a results folder, sorted by path; copies of a run's folder under other names do not count."""
    found = sorted(results.glob("runs/*/seed*/run.json"))
    return [RunFolder(path.parent) for path in found if _RUN_NAME.fullmatch(path.parent.name)]


_RUN_NAME = re.compile(r"seed\d+-\w+")


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _cell(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.6f}"
