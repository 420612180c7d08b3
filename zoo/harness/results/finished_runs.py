"""A results folder read: its runs, which of them stand for a model, and their scores as tables."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from zoo.core.errors import BadInput
from zoo.core.files import sha256_of
from zoo.harness.metrics.exact import OVER_SOME
from zoo.harness.results.planned import read_planned
from zoo.harness.results.run_record import RunRecord
from zoo.harness.results.store import RunFolder, SweepScore, run_folders

DAMAGED = "damaged"
"""The status of a finished run whose scores cannot be read: it costs that run, and no other."""


class Level(NamedTuple):
    """One run at one level of a hint sweep: a score a photo, in the order of the file."""

    psnr: np.ndarray
    hint_error: np.ndarray


class Result:
    """A run folder read: its record, the scores of its images when there are any, and whether its row shows it."""

    def __init__(self, folder: RunFolder, record: RunRecord):
        self.folder = folder
        self.record: RunRecord = record
        self.planned = False
        self.shown = False
        self.stamp = folder.stamp()
        self.damage = ""
        self.names: list[str] = []
        self.scores: dict[str, list[float]] = {}
        self.draws: dict[str, list[float]] = {}
        if record.ok:
            try:
                self._read_scores()
            except BadInput as error:
                self.damaged(str(error))

    def _read_scores(self) -> None:
        names, scores = self.folder.scores()
        if len(names) != self.record.images:
            raise BadInput(
                f"{self.folder.path / 'scores.csv'} has {len(names)} of {self.record.images} images; "
                "delete its folder to run it again."
            )
        drawn, draws = self.folder.scores("samples.csv") if self.record.drawn else (names, {})
        if drawn != names:
            raise BadInput(
                f"{self.folder.path / 'samples.csv'} is of other images than scores.csv; "
                "delete its folder to run it again."
            )
        self.names, self.scores, self.draws = names, scores, draws

    @cached_property
    def levels(self) -> dict[tuple[str, float], Level]:
        """By sweep and level, in the order of the file; empty where no sweep was made.

        Raises:
            BadInput: the file cannot be read, or holds nothing.
        """
        if not self.record.levels:
            return {}
        groups: dict[tuple[str, float], list[SweepScore]] = defaultdict(list)
        for score in self.folder.hint_scores():
            groups[score.sweep, score.level].append(score)
        if not groups:
            raise BadInput(f"{self.folder.path / 'hints.csv'} holds no levels; delete its folder to run it again.")
        return {
            key: Level(np.array([score.psnr for score in group]), np.array([score.hint_error for score in group]))
            for key, group in groups.items()
        }

    @cached_property
    def hint_areas(self) -> list[float]:
        """Of each photo's curve over hints the normalised area; empty where there is none.

        The curve is the PSNR in dB over log(1 + hints) of the suite's first sweep over counts; its area by the
        trapezoidal rule, divided by the width of the sweep, is its mean height: that of a curve that stays as it is.
        """
        from scipy.integrate import trapezoid  # many folders have no sweeps

        sweeps = self.record.plan.suite_said.sweeps
        counted = [name for name, sweep in sweeps.items() if sweep.counts]
        try:
            curve = sorted((level, at.psnr) for (sweep, level), at in self.levels.items() if sweep in counted[:1])
        except BadInput:
            return []  # whoever reads the sweeps for hints.csv says so
        if len(curve) < 2 or len({len(psnr) for _, psnr in curve}) > 1:
            return []
        hints = np.log1p([level for level, _ in curve])
        areas = trapezoid([psnr for _, psnr in curve], hints, axis=0) / (hints[-1] - hints[0])
        return [float(area) for area in areas]

    def damaged(self, reason: str) -> None:
        """Its scores count no more."""
        self.damage = reason
        self.names, self.scores, self.draws = [], {}, {}

    @property
    def ok(self) -> bool:
        """Whether it was scored, and its scores are here."""
        return self.record.ok and not self.damage

    @property
    def status(self) -> str:
        return DAMAGED if self.damage else self.record.status

    @property
    def error(self) -> str:
        return self.damage or self.record.error

    @property
    def checked(self) -> str:
        """``verified``, ``self-reported``, or empty where nobody looked (:class:`Checked`)."""
        found = self.record.checked
        if not found:
            return ""
        whole = self.ok and found.scores_sha256 == sha256_of(self.folder.path / "scores.csv")
        return found.verdict if whole else "self-reported"


class Results(list[Result]):
    """The runs of a results folder. ``left_out`` says which folders are no runs, a sentence each."""

    def __init__(self, runs: Iterable[Result], left_out: Sequence[str] = ()):
        super().__init__(runs)
        self.left_out = list(left_out)


def read_results(folder: Path, known: Mapping[Path, Result] | None = None) -> Results:
    """Every run of a results folder, each in the folder that is named after it: copies of a run folder are no runs.

    A run.json that cannot be read leaves its run out, not the others.

    Args:
        known: runs read before, by their folder; those whose files are as they were are not read again.

    Raises:
        BadInput: no such folder, none of its runs can be read, or its plan cannot, which says what rows show.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder} does not exist; name a results folder such as results/quick.")
    runs: list[Result] = []
    left_out: list[str] = []
    planned = read_planned(folder)
    for found in run_folders(folder):
        try:
            before = (known or {}).get(found.path)
            record = before.record if before and before.stamp == found.stamp() else found.record()
        except BadInput as error:
            left_out.append(str(error))
            continue
        if record is None:
            continue
        if not found.is_of(record):
            left_out.append(f"{found.path} is a copy of another run's folder; it is left out.")
            continue
        run = before if before and before.record is record else Result(found, record)
        run.planned = planned.get(record.row) == record.key
        runs.append(run)
    if left_out and not runs:
        raise BadInput(left_out[0])
    _tell_apart_photos(runs)
    mark_shown(runs)
    return Results(runs, left_out)


def mark_shown(runs: Sequence[Result]) -> None:
    """Tell each run whether it is one that its row is made of."""
    standing = {id(run) for group in newest(runs).values() for run in group}
    for run in runs:
        run.shown = id(run) in standing


def _tell_apart_photos(runs: Sequence[Result]) -> None:
    """A run that was scored on other photos than most of its protocol is not compared with them."""
    photos: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for run in runs:
        if run.ok:
            photos[run.record.fingerprint][tuple(run.names)] += 1
    for run in runs:
        if run.ok and tuple(run.names) != photos[run.record.fingerprint].most_common(1)[0][0]:
            run.damaged(
                f"{run.folder.path} was scored on different photos than its protocol's other runs; "
                "delete its folder to run it again."
            )


def newest(runs: Iterable[Result]) -> dict[tuple[str, str], list[Result]]:
    """Per protocol and model, the runs that stand for it; runs of other keys, an older recipe's, are in runs.csv only.

    They are those that were planned last (:mod:`zoo.harness.results.planned`); where none of them is here, those of the
    newest key.
    """
    by_key: dict[tuple[str, str], dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        by_key[run.record.row][run.record.key].append(run)
    return {
        row: max(keys.values(), key=lambda group: (group[0].planned, _latest(group))) for row, keys in by_key.items()
    }


def _latest(group: Iterable[Result]) -> tuple[str, str]:
    """When its last run ended; the key decides between equal dates, so that every rebuild agrees."""
    return max((run.record.provenance.finished, run.record.key) for run in group)


def in_seed_order(group: Iterable[Result]) -> list[Result]:
    """The finished runs."""
    return sorted((run for run in group if run.ok), key=lambda run: run.record.seed)


def score_table(scores: Sequence[Mapping[str, Sequence[float]]], metric: str) -> np.ndarray | None:
    """(seeds, images) of one metric, a mapping a seed; None where an image has no value of it from some seed.

    A mean over the photos that happen to have a value would be compared with means over all; only those of
    :data:`OVER_SOME` are measured on some photos by definition.
    """
    tables = [found[metric] for found in scores if metric in found]
    if not tables or len(tables) != len(scores) or len({len(table) for table in tables}) != 1:
        return None
    table = np.asarray(tables)
    missing = np.isnan(table).any(axis=0)
    return None if missing.all() or (missing.any() and metric not in OVER_SOME) else table
