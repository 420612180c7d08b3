"""Where models stand: the rows of one protocol, best first, each with the runs it is made of.

The leaderboard, the report and the README's tables are made of these rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

import numpy as np

from zoo.core.errors import BadInput
from zoo.harness.bench.results import Result, in_seed_order, newest, score_table
from zoo.harness.bench.run_record import RunRecord
from zoo.harness.bench.statistics import Interval, RankInterval, interval, rank_interval


class Kind(Enum):
    """What a row is."""

    MODEL = "model"
    BASELINE = "baseline"
    MEAN_OF_DRAWS = "mean of draws"
    BEST_OF_DRAWS = "best of draws"

    @property
    def of_draws(self) -> bool:
        return self in (Kind.MEAN_OF_DRAWS, Kind.BEST_OF_DRAWS)


_DRAWN = {Kind.MEAN_OF_DRAWS: "mean", Kind.BEST_OF_DRAWS: "best"}


@dataclass(frozen=True)
class Row:
    """A model under one protocol, or its random draws: what its newest runs say together.

    Args:
        label: the model with the options that were set; of draws, which of them as well.
        runs: all seeds of the newest key, whatever became of them, by seed.
        rank: its place; None where it is not ranked.
    """

    label: str
    kind: Kind
    runs: tuple[Result, ...]
    rank: RankInterval | None = None
    _intervals: dict[str, Interval | None] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def finished(self) -> list[Result]:
        """The runs that were scored."""
        return in_seed_order(self.runs)

    @property
    def failed(self) -> list[Result]:
        return [run for run in self.runs if not run.record.ok]

    @cached_property
    def latest(self) -> RunRecord:
        """The record of the run that ended last."""
        return max((run.record for run in self.runs), key=lambda record: record.provenance.finished)

    @property
    def outcome(self) -> RunRecord:
        """The record whose status and error stand for the row: that of a failed run, if one failed."""
        return self.failed[0].record if self.failed else self.latest

    @property
    def tied_with_best(self) -> bool:
        return self.rank is not None and self.rank.tied_with_best

    def scores(self, metric: str) -> np.ndarray | None:
        """(seeds, images) of the finished runs; None where no image has it from every seed."""
        if self.kind.of_draws:
            drawn = [run.draws for run in self.finished if run.draws]
            return score_table(drawn, f"{metric}_{_DRAWN[self.kind]}")
        return score_table([run.scores for run in self.finished], metric)

    def interval(self, metric: str) -> Interval | None:
        """The mean over seeds and photos, with its 95 % interval; None where it was not measured."""
        if metric not in self._intervals:
            table = self.scores(metric)
            self._intervals[metric] = None if table is None else interval(table)
        return self._intervals[metric]

    def cost(self, name: str) -> float | None:
        """The mean over the finished runs; None where it was not measured, or is not that of draws."""
        if self.kind.of_draws and name in ("gflops", "infer_ms"):
            return None
        values = [value for run in self.finished if (value := run.record.costs.get(name)) is not None]
        return float(np.mean(values)) if values else None

    @property
    def draws(self) -> int:
        """How many random draws a photo its runs scored."""
        return next((int(run.record.samples["k"] or 0) for run in self.finished if run.record.samples), 0)

    @property
    def notes(self) -> list[str]:
        """What a reader must know of the row."""
        if self.kind is Kind.MEAN_OF_DRAWS:
            return [f"mean over {self.draws} random draws of the model above; not ranked"]
        if self.kind is Kind.BEST_OF_DRAWS:
            return [f"each photo's best of {self.draws} random draws by each metric, which needs the truth; not ranked"]
        notes = dict.fromkeys(note for run in self.runs for note in run.record.notes)
        if self.failed and self.finished:
            notes[f"{len(self.finished)} of {len(self.runs)} seeds finished"] = None
        return list(notes)


@dataclass(frozen=True)
class Standing:
    """What can be compared: the rows of one protocol, best first, and every run made under it."""

    protocol: str
    rows: list[Row]
    runs: list[Result]

    @property
    def suite(self) -> dict[str, Any]:
        """The suite as the first of the runs was planned with."""
        return self.runs[0].record.plan.suite


def standings(runs: Sequence[Result]) -> list[Standing]:
    """One a protocol, the one with the most rows first: its table is the one that is read.

    Raises:
        BadInput: scores that cannot be ranked.
    """
    models: dict[str, dict[str, list[Result]]] = defaultdict(dict)
    for (protocol, label), group in newest(runs).items():
        models[protocol][label] = group
    order = sorted(models, key=lambda protocol: (-len(models[protocol]), protocol))
    return [
        Standing(protocol, _ranked(models[protocol]), [run for run in runs if run.record.fingerprint == protocol])
        for protocol in order
    ]


def _ranked(models: Mapping[str, Sequence[Result]]) -> list[Row]:
    rows = {
        label: Row(label, Kind.BASELINE if any(run.record.baseline for run in group) else Kind.MODEL, tuple(group))
        for label, group in models.items()
    }
    tables = {label: table for label, row in rows.items() if (table := row.scores("psnr")) is not None}
    try:
        ranks = rank_interval(tables) if tables else {}
    except ValueError as error:
        raise BadInput(
            f"The scores of {', '.join(tables)} cannot be ranked ({error}); delete the damaged run to run it again."
        ) from None

    def order(label: str) -> tuple[int, str]:
        return (ranks[label].rank if label in ranks else len(rows) + 1, label)

    found: list[Row] = []
    for label in sorted(rows, key=order):
        row = Row(label, rows[label].kind, rows[label].runs, ranks.get(label))
        found += [row, *_draws(row)]
    return found


def _draws(row: Row) -> list[Row]:
    """The mean and the best of a sampler's draws: below its row, and not ranked."""
    if not any(run.draws for run in row.finished):
        return []
    return [Row(f"{row.label} ({which} of {row.draws})", kind, row.runs) for kind, which in _DRAWN.items()]
