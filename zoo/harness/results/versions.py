"""Two benches of one protocol, before and after a change of the zoo: what got better or worse, row by row."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec
import numpy as np

from zoo.core.errors import BadInput, UnknownName, did_you_mean
from zoo.harness.results.finished_runs import Result, in_seed_order, newest, score_table
from zoo.harness.results.leaderboard import Board
from zoo.harness.results.measured import described
from zoo.harness.results.protocol import of_different
from zoo.harness.results.ranks import Family
from zoo.harness.results.statistics import CONFIDENCE

Rows = Mapping[tuple[str, str], list[Result]]
"""The finished runs of each row, by protocol and label."""

BETTER, WORSE = "better", "worse"


class Change(msgspec.Struct, frozen=True):
    """One metric of one row: both means, ``after - before`` with its interval, and which way it went.

    ``change`` is ``better``, ``worse``, or empty where the two cannot be told apart.
    """

    model: str
    metric: str
    before: float
    after: float
    difference: float
    low: float
    high: float
    p_value: float
    change: str


class Versions(msgspec.Struct, frozen=True):
    """All changes, and what could not be compared.

    ``lost`` are rows that were scored before and not after, with the reason; ``new`` those the other way round.
    ``confidence`` is that of each interval: those of one metric are right all together (Bonferroni). ``seeds_known``
    is whether anything tells how much other seeds would change; where not, this is of these trained weights only.
    """

    before: str
    after: str
    changes: list[Change]
    lost: dict[str, str]
    new: list[str]
    confidence: float
    seeds_known: bool

    def of(self, change: str) -> list[Change]:
        return [each for each in self.changes if each.change == change]


def compare_versions(before: Path, after: Path, models: Collection[str] = ()) -> Versions:
    """Compare every row that two results folders share, paired by photo and seed.

    Args:
        models: labels of rows; none are all.

    Raises:
        BadInput: a folder has no results, the two share no protocol, or a row was scored on other photos.
        UnknownName: a model that no folder has.
    """
    boards = Board.read(before), Board.read(after)
    known_labels = {run.record.label for board in boards for run in board.runs}
    for model in models:
        if model not in known_labels:
            raise UnknownName(f"{before} and {after} have no model {model!r}; {did_you_mean(model, known_labels)}")
    first, second = (_rows(board, models) for board in boards)
    if not {protocol for protocol, _ in first} & {protocol for protocol, _ in second}:
        protocols = [board.leagues[0].runs[0].record.protocol for board in boards]
        raise of_different(boards[0].folder, boards[1].folder, protocols, otherwise=", ".join(models))
    shared = [row for row in first if row in second and first[row] and second[row]]
    confidence = 1 - (1 - CONFIDENCE) / max(len(shared), 1)
    changes: list[Change] = []
    known = not shared
    for protocol in dict.fromkeys(protocol for protocol, _ in shared):
        labels = [label for found, label in shared if found == protocol]
        pairs = {label: (first[protocol, label], second[protocol, label]) for label in labels}
        for metric in dict.fromkeys(metric for runs, _ in pairs.values() for metric in runs[0].scores):
            found, told = _changes(metric, pairs, confidence)
            changes += found
            known = known or told
    lost = {row[1]: _reason(second.get(row)) for row in first if first[row] and not second.get(row)}
    new = [label for protocol, label in second if second[protocol, label] and not first.get((protocol, label))]
    return Versions(_called(before, boards[0]), _called(after, boards[1]), changes, lost, new, confidence, known)


def _rows(board: Board, models: Collection[str]) -> dict[tuple[str, str], list[Result]]:
    return {row: in_seed_order(group) for row, group in newest(board.runs).items() if not models or row[1] in models}


def _changes(
    metric: str, pairs: Mapping[str, tuple[list[Result], list[Result]]], confidence: float
) -> tuple[list[Change], bool]:
    """Of one metric, and whether anything told how seeds spread; the whole table tells it, as in a leaderboard."""
    tables: dict[str, np.ndarray] = {}
    seeds: dict[str, list[int]] = {}
    fixed: list[str] = []
    shown: dict[str, bool | None] = {}
    for label, sides in pairs.items():
        old, young = (score_table([run.scores for run in runs], metric) for runs in sides)
        if old is None or young is None:
            continue
        if sides[0][0].names != sides[1][0].names:
            raise BadInput(f"{label} was scored on other photos before and after; bench both again.")
        complete = ~(np.isnan(old).any(axis=0) | np.isnan(young).any(axis=0))
        if not complete.any():
            continue
        for side, table, runs in zip(("before", "after"), (old, young), sides, strict=True):
            name = f"{side} {label}"
            tables[name] = table[:, complete]
            seeds[name] = [run.record.seed for run in runs]
            fixed += [name] if runs[0].record.recipe == "untrained" else []
        said = sides[1][0].record.higher_is_better
        shown[label] = said[metric] if metric in said else described(metric).higher_is_better
    changes, known = [], False
    for photos in {table.shape[1] for table in tables.values()}:  # one, but for metrics of some photos only
        family = Family(
            {name: table for name, table in tables.items() if table.shape[1] == photos}, seeds=seeds, fixed=fixed
        )
        known = known or family.effects.known
        for label, higher in shown.items():
            if f"after {label}" in family.models:
                changes.append(_change(label, metric, family, tables, higher, confidence))
    order = list(pairs)
    return sorted(changes, key=lambda change: order.index(change.model)), known


def _change(
    label: str,
    metric: str,
    family: Family,
    tables: Mapping[str, np.ndarray],
    higher: bool | None,
    confidence: float,
) -> Change:
    found = family.compare(f"after {label}", f"before {label}", confidence=confidence)
    apart = found.low * found.high > 0 and higher is not None
    way = (BETTER if (found.difference > 0) == higher else WORSE) if apart else ""
    before, after = (float(tables[f"{side} {label}"].mean()) for side in ("before", "after"))
    return Change(label, metric, before, after, found.difference, found.low, found.high, found.p_value, way)


def _reason(runs: list[Result] | None) -> str:
    return "it has no run there" if runs is None else "none of its runs was scored"


def _called(folder: Path, board: Board) -> str:
    """The folder and the code that its runs were made by."""
    made = sorted(
        {f"zoo {run.record.provenance.zoo} {run.record.provenance.commit or ''}".strip() for run in board.runs}
    )
    return f"{folder} ({', '.join(made)})"
