"""Models against each other: the difference, how sure it is, and where each of them wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path

import msgspec
import numpy as np

from zoo.core.errors import BadInput, UnknownName, did_you_mean
from zoo.harness.results.finished_runs import Result, in_seed_order, newest, score_table
from zoo.harness.results.leaderboard import Board
from zoo.harness.results.league import League
from zoo.harness.results.measured import PSNR, described
from zoo.harness.results.protocol import of_different
from zoo.harness.results.ranks import Family
from zoo.harness.results.statistics import CONFIDENCE, written
from zoo.harness.results.statistics import Comparison as Pair
from zoo.harness.results.store import RunFolder

SHOWN_PHOTOS = 5


class Difference(msgspec.Struct, frozen=True):
    """One metric: both means, ``a - b`` with its interval, the p-value of no difference, and which is the better.

    ``better`` is the label of the better one, or empty where they cannot be told apart.
    """

    metric: str
    a: float
    b: float
    difference: float
    low: float
    high: float
    p_value: float
    better: str


class PhotoGap(msgspec.Struct, frozen=True):
    """One photo's PSNR under both models, the mean over their seeds."""

    image: str
    a: float
    b: float


class Comparison(msgspec.Struct, frozen=True):
    """Two models on the same photos under one protocol.

    ``wins_a`` and ``wins_b`` are the photos that each is ahead on, the widest gap first. ``verdict`` says the
    difference in PSNR in words. ``confidence`` is that of the intervals.
    """

    a: str
    b: str
    seeds: tuple[int, int]
    images: int
    differences: list[Difference]
    wins_a: list[PhotoGap]
    wins_b: list[PhotoGap]
    verdict: str
    confidence: float = CONFIDENCE


def compare_models(a: str, b: str, folder: Path) -> Comparison:
    """Compare two models, or two runs, paired photo by photo.

    Args:
        a, b: a model's name in the results ``folder``, or the path of a run's or a model's folder.

    Raises:
        UnknownName: no finished run of that name, with the nearest.
        BadInput: different protocols (it names the fields that differ) or different photos.
    """
    return compare_several([a, b], folder)[0]


def compare_several(names: Sequence[str], folder: Path) -> list[Comparison]:
    """Compare every two of several models. The intervals are wide enough to be right all together (Bonferroni).

    Raises:
        UnknownName, BadInput: as :func:`compare_models`; fewer than two names, or one name twice.
    """
    if len(names) < 2 or len(set(names)) < len(names):
        raise BadInput("Two different models are needed to compare; name them.")
    pairs = list(combinations(names, 2))
    confidence = 1 - (1 - CONFIDENCE) / len(pairs)
    results = _Folder(folder)
    return [_pair(a, b, results, confidence) for a, b in pairs]


@dataclass
class _Folder:
    """A results folder that is read when the first of its models is asked for."""

    path: Path

    @cached_property
    def board(self) -> Board:
        return Board.read(self.path)

    def league(self, runs: Sequence[Result]) -> League | None:
        """The rows that these runs stand among; None where they are from elsewhere."""
        if "board" not in self.__dict__:
            return None
        return next((league for league in self.board.leagues if all(run in league.runs for run in runs)), None)


def _pair(a: str, b: str, folder: _Folder, confidence: float) -> Comparison:
    first, second = _same_protocol(_runs(a, folder), _runs(b, folder), a, b)
    names = first[0].names
    if any(run.names != names for run in (*first, *second)):
        raise BadInput(f"{a} and {b} were scored on different photos; run both again with: zoo bench.")
    labels = first[0].record.label, second[0].record.label
    tables = {
        metric: (table_a, table_b)
        for metric in first[0].scores
        if (table_a := score_table([run.scores for run in first], metric)) is not None
        and (table_b := score_table([run.scores for run in second], metric)) is not None
        and not (np.isnan(table_a).any(axis=0) | np.isnan(table_b).any(axis=0)).all()
    }
    league = folder.league((*first, *second)) if labels[0] != labels[1] else None
    said = {**first[0].record.higher_is_better, **second[0].record.higher_is_better}
    differences = []
    known = False
    for metric, pair in tables.items():
        family, sides = _family(metric, labels, (first, second), pair, league)
        higher = said[metric] if metric in said else described(metric).higher_is_better
        differences.append(_difference(metric, labels, pair, family.compare(*sides, confidence=confidence), higher))
        known = known or family.effects.known
    ahead, behind = _wins(names, *tables["psnr"]) if "psnr" in tables else ([], [])
    psnr = next((found for found in differences if found.metric == PSNR.name), None)
    return Comparison(
        a=labels[0],
        b=labels[1],
        seeds=(len(first), len(second)),
        images=len(names),
        differences=differences,
        wins_a=ahead,
        wins_b=behind,
        verdict=_verdict(labels, psnr, confidence, known or not _drawn(first, second)) if psnr else "No PSNR is known.",
        confidence=confidence,
    )


def _family(
    metric: str,
    labels: tuple[str, str],
    runs: tuple[Sequence[Result], Sequence[Result]],
    tables: tuple[np.ndarray, np.ndarray],
    league: League | None,
) -> tuple[Family, tuple[str, str]]:
    """The whole table, which knows how seeds spread, or where the two are not both in it these two; and their names."""
    whole = league.family(metric) if league else None
    if whole is not None and set(labels) <= set(whole.models):
        return whole, labels
    complete = ~(np.isnan(tables[0]).any(axis=0) | np.isnan(tables[1]).any(axis=0))
    family = Family(
        {side: table[:, complete] for side, table in zip("ab", tables, strict=True)},
        seeds={side: [run.record.seed for run in group] for side, group in zip("ab", runs, strict=True)},
        fixed=[side for side, group in zip("ab", runs, strict=True) if not _drawn(group)],
    )
    return family, ("a", "b")


def _drawn(*groups: Sequence[Result]) -> bool:
    """Whether a seed decides anything of one of them."""
    return any(group[0].record.recipe != "untrained" for group in groups)


def _difference(
    metric: str, labels: tuple[str, str], tables: tuple[np.ndarray, np.ndarray], found: Pair, higher: bool | None
) -> Difference:
    complete = ~(np.isnan(tables[0]).any(axis=0) | np.isnan(tables[1]).any(axis=0))
    means = float(tables[0][:, complete].mean()), float(tables[1][:, complete].mean())
    apart = found.low * found.high > 0
    better = labels[0 if (found.difference > 0) == higher else 1] if apart and higher is not None else ""
    return Difference(metric, *means, found.difference, found.low, found.high, found.p_value, better)


def _verdict(labels: tuple[str, str], psnr: Difference, confidence: float, seeds_known: bool) -> str:
    sure = f"{100 * confidence:.4g} % interval"
    ends = written(psnr.low, psnr.high, 3)
    if psnr.better:
        worse = labels[1] if psnr.better == labels[0] else labels[0]
        low, high = sorted(map(abs, ends))
        said = (
            f"{psnr.better} is better than {worse} by {abs(psnr.difference):.3f} dB of PSNR "
            f"({sure} {low:.3f} to {high:.3f})."
        )
    else:
        said = (
            f"{labels[0]} and {labels[1]} cannot be told apart by PSNR: the difference is {psnr.difference:+.3f} dB, "
            f"and its {sure}, {ends[0]:+.3f} to {ends[1]:+.3f}, holds 0."
        )
    if seeds_known:
        return said
    return f"{said} With one seed this is of these trained weights, not of the models trained again."


def _runs(name: str, folder: _Folder) -> list[Result]:
    """The finished runs that a name or a path stands for, of all its protocols."""
    folders = _run_folders(Path(name))
    if folders:
        runs = [Result(each, record) for each in folders if (record := each.record()) is not None]
    else:
        every = folder.board.runs
        runs = [run for run in every if run.record.label == name]
        if not runs:
            known = {run.record.label for run in every}
            raise UnknownName(f"{folder.path} has no model {name!r}; {did_you_mean(name, known)}")
    groups = [in_seed_order(group) for group in newest(runs).values()]
    finished = [run for group in groups for run in group]
    if not finished:
        status = f"{runs[0].status}: {runs[0].error}".rstrip(". :") if runs else "missing"
        raise BadInput(f"No run of {name} is finished (status {status}); run it again with: zoo bench.")
    return finished


def _run_folders(path: Path) -> list[RunFolder]:
    """The run at a path, or a model's runs; none where the name is that of no folder, nor could be."""
    try:
        whole = [path / "run.json"] if (path / "run.json").is_file() else sorted(path.glob("seed*/run.json"))
    except (OSError, ValueError):
        return []
    return [RunFolder(each.parent) for each in whole]


def _same_protocol(
    first: Sequence[Result], second: Sequence[Result], a: str, b: str
) -> tuple[list[Result], list[Result]]:
    """The newest runs of both under a protocol they share."""
    shared = {run.record.fingerprint for run in first} & {run.record.fingerprint for run in second}
    if not shared:
        latest = [max(runs, key=_finished) for runs in (first, second)]
        raise of_different(a, b, [run.record.protocol for run in latest])
    best = max((run for run in (*first, *second) if run.record.fingerprint in shared), key=_finished).record.fingerprint
    newest_of_a, newest_of_b = ([run for run in runs if run.record.fingerprint == best] for runs in (first, second))
    return newest_of_a, newest_of_b


def _finished(run: Result) -> str:
    return run.record.provenance.finished


def _wins(names: Sequence[str], a: np.ndarray, b: np.ndarray) -> tuple[list[PhotoGap], list[PhotoGap]]:
    gaps = [PhotoGap(*row) for row in zip(names, a.mean(axis=0).tolist(), b.mean(axis=0).tolist(), strict=True)]
    gaps.sort(key=lambda gap: gap.b - gap.a)
    ahead = [gap for gap in gaps if gap.a > gap.b][:SHOWN_PHOTOS]
    behind = [gap for gap in reversed(gaps) if gap.b > gap.a][:SHOWN_PHOTOS]
    return ahead, behind
