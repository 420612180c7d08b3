"""Where models stand: the rows of one protocol, best first, each with the runs it is made of.

The leaderboard, the report and the tables of our texts are made of these rows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import numpy as np

from zoo.harness.results.finished_runs import Result, in_seed_order, newest, score_table
from zoo.harness.results.measured import AREA
from zoo.harness.results.ranks import Family, Standing
from zoo.harness.results.run_record import DISTURBED, Provenance, RunRecord, SuiteSaid
from zoo.harness.results.statistics import Interval, interval


class Kind(Enum):
    """What a row is."""

    MODEL = "model"
    BASELINE = "baseline"
    MEAN_OF_DRAWS = "mean of draws"
    BEST_OF_DRAWS = "best of draws"

    @property
    def of_draws(self) -> bool:
        return self in _DRAWN


_DRAWN = {Kind.MEAN_OF_DRAWS: "mean", Kind.BEST_OF_DRAWS: "best"}
_MADE_BY = ("device", "machine", "torch", "zoo", "commit")
"""What must be the same of two runs for their costs to be told together."""


@dataclass(frozen=True, eq=False)
class Row:
    """A model under one protocol, or its random draws: what its newest runs say together.

    Args:
        label: the model with the options that were set; of draws, which of them as well.
        runs: all seeds of the newest key, whatever became of them.
        league: the rows it stands among.
    """

    label: str
    kind: Kind
    runs: tuple[Result, ...]
    league: League

    @cached_property
    def finished(self) -> list[Result]:
        """The runs that were scored, by seed."""
        return in_seed_order(self.runs)

    @property
    def failed(self) -> list[Result]:
        return [run for run in self.runs if not run.ok]

    @cached_property
    def latest(self) -> RunRecord:
        """The record of the run that ended last; of a finished one, where there is one, and of one that was made on the
        table's device, where there is one: costs of two devices cannot be compared down a column.
        """
        records = [run.record for run in self.finished or self.runs]
        there = [record for record in records if record.provenance.device == self.league.device]
        return max(there or records, key=lambda record: record.provenance.finished)

    @property
    def status(self) -> str:
        """That of a failed run, if one failed."""
        return self.failed[0].status if self.failed else "ok"

    @property
    def error(self) -> str:
        return self.failed[0].error if self.failed else ""

    @property
    def baseline(self) -> bool:
        return self.kind is Kind.BASELINE

    @property
    def ok(self) -> bool:
        return not self.failed

    def scores(self, metric: str) -> np.ndarray | None:
        """(seeds, images) of the finished runs; None where an image has no value from some seed.

        Of the area below the curve over hints the images are those of the sweep; of draws there is no curve.
        """
        if metric == AREA.name:
            areas = [] if self.kind.of_draws else [run.hint_areas for run in self.finished]
            return score_table([{metric: area} for area in areas], metric) if all(areas) else None
        if self.kind.of_draws:
            drawn = [run.draws for run in self.finished if run.draws]
            return score_table(drawn, f"{metric}_{_DRAWN[self.kind]}")
        return score_table([run.scores for run in self.finished], metric)

    def interval(self, metric: str) -> Interval | None:
        """The mean over seeds and photos, with its 95 % interval; None where it was not measured."""
        return self.league.interval(self, metric)

    @property
    def over_gray(self) -> Interval | None:
        """Its PSNR less that of a photo without colour, paired by photo; None where that was not measured."""
        return self.league.over_gray(self)

    @property
    def standing(self) -> Standing | None:
        """Its place by PSNR; None where it is shown and not ranked."""
        return self.league.standings.get(self.label)

    @property
    def tied_with_best(self) -> bool:
        return self.standing is not None and self.standing.tied_with_best

    @property
    def ranked(self) -> bool:
        """Whether it takes part: not if it was told the truth, has no colours to lose, or is a way to draw."""
        return not self.kind.of_draws and all(run.record.is_ranked for run in self.runs)

    def cost(self, name: str) -> float | None:
        """The mean over :attr:`weighed`; None where it was not measured, or is not that of draws."""
        if self.kind.of_draws and name in ("gflops", "infer_ms"):
            return None
        values = [value for run in self.weighed if (value := run.record.costs.get(name)) is not None]
        return float(np.mean(values)) if values else None

    @property
    def weighed(self) -> list[Result]:
        """The runs whose costs are told: those made where the latest was, since what machines differ in is no spread of
        a model; and of these the ones that were measured with nothing beside, if there are any.
        """
        latest = made_by(self.latest.provenance)
        here = [run for run in self.finished if made_by(run.record.provenance) == latest]
        return [run for run in here if not run.record.disturbed] or here

    @property
    def draws(self) -> int:
        """How many random draws a photo its runs scored."""
        return next((run.record.draws for run in self.finished if run.record.draws), 0)

    @property
    def notes(self) -> list[str]:
        """What a reader must know of the row."""
        if self.kind is Kind.MEAN_OF_DRAWS:
            return [f"mean over {self.draws} random draws of the model above; not ranked"]
        if self.kind is Kind.BEST_OF_DRAWS:
            return [f"each photo's best of {self.draws} random draws by each metric, which needs the truth; not ranked"]
        unused = [run for run in self.finished if run not in self.weighed]
        notes = dict.fromkeys(
            note
            for run in self.runs
            for note in run.record.notes
            if run not in unused or not note.startswith(DISTURBED)  # of costs that the row does not tell
        )
        if self.failed and self.finished:
            notes[f"{len(self.finished)} of {len(self.runs)} seeds finished"] = None
        notes |= dict.fromkeys(self._provenance_notes())
        if len(self.finished) == 1 and not self.league.seeds_known(self):
            notes["one seed: intervals are over images only"] = None
        if not self.ranked:
            notes["shown beside the models, not ranked"] = None
        elif self.finished and self.standing is None:
            notes["not ranked: some of its photos have no PSNR"] = None
        return list(notes)

    def _provenance_notes(self) -> list[str]:
        """In what its runs differ, and whose costs are shown then."""
        every = [run.record.provenance for run in self.finished]
        differing = [
            f"{field} {' | '.join(str(value) or 'unknown' for value in sorted(found, key=str))}"
            for field in _MADE_BY
            if len(found := {getattr(each, field) or "" for each in every}) > 1
        ]
        if not differing:
            return []
        where = f" on {self.latest.provenance.device}" if len({each.device for each in every}) > 1 else ""
        return [f"its runs were made apart: {', '.join(differing)}; the costs are those of the latest{where}"]


class League:
    """What can be compared: the rows of one protocol, best first, and every run made under it.

    Args:
        models: per label the runs that stand for it.
        runs: all runs of the protocol, also those of older keys.
    """

    def __init__(self, protocol: str, models: dict[str, list[Result]], runs: list[Result]):
        self.protocol = protocol
        self.runs = runs
        self._models = models
        self._families: dict[str, Family | None] = {}
        self._intervals: dict[tuple[str, str], Interval | None] = {}

    @property
    def suite(self) -> SuiteSaid:
        """Of the suite that the first of the runs was planned with."""
        return self.runs[0].record.plan.suite_said

    @cached_property
    def device(self) -> str:
        """On which most of the finished runs of its rows were made."""
        runs = [run for group in self._models.values() for run in group]
        devices = Counter(run.record.provenance.device for run in runs if run.ok)
        return min(devices, key=lambda device: (-devices[device], device), default="")

    @property
    def numbers_only(self) -> bool:
        """Whether no picture may be shown: one of its runs was made so."""
        return not all(run.record.plan.suite_said.pictures for run in self.runs)

    @cached_property
    def rows(self) -> list[Row]:
        """By their PSNR; those without one last."""
        rows = [Row(label, _kind(group), tuple(group), self) for label, group in self._models.items()]

        def order(row: Row) -> tuple[float, str]:
            table = row.scores("psnr")
            return (float("inf") if table is None else -float(table.mean()), row.label)

        return [each for row in sorted(rows, key=order) for each in (row, *self._draws(row))]

    @cached_property
    def standings(self) -> dict[str, Standing]:
        """The places of the ranked rows."""
        family = self.family("psnr")
        return family.standings() if family else {}

    @cached_property
    def best(self) -> str:
        """The label of the first ranked row; empty where none is."""
        return next((row.label for row in self.rows if row.standing), "")

    def family(self, metric: str) -> Family | None:
        """The ranked rows with a score of every photo, which know together how seeds spread; None without any."""
        if metric not in self._families:
            self._families[metric] = self._family_of(metric)
        return self._families[metric]

    def _family_of(self, metric: str, less: np.ndarray | float = 0.0) -> Family | None:
        rows = [row for row in self.rows if row.ranked]
        tables = {row.label: table - less for row in rows if (table := row.scores(metric)) is not None}
        images = Counter(table.shape[1] for table in tables.values()).most_common(1)
        whole = {
            label: table
            for label, table in tables.items()
            if np.isfinite(table).all() and table.shape[1] == images[0][0]
        }
        seeds = {row.label: [run.record.seed for run in row.finished] for row in rows}
        fixed = [row.label for row in rows if row.label in whole and row.latest.recipe == "untrained"]
        return Family(whole, seeds=seeds, fixed=fixed) if whole else None

    @property
    def steadiness(self) -> str:
        """How alike two halves of the photos order the ranked rows, in words; empty where that cannot be said."""
        family = self.family("psnr")
        alike = family.stability() if family else float("nan")
        if alike != alike:
            return ""
        return f"Two halves of the photos order the ranked rows alike to {alike:.2f} (rank correlation)."

    def interval(self, row: Row, metric: str) -> Interval | None:
        """See :meth:`Row.interval`."""
        key = row.label, metric
        if key not in self._intervals:
            family = self.family(metric)
            table = row.scores(metric)
            if family is not None and row.label in family.models:
                self._intervals[key] = family.interval(row.label)
            else:
                self._intervals[key] = None if table is None else interval(table)
        return self._intervals[key]

    def over_gray(self, row: Row) -> Interval | None:
        """See :attr:`Row.over_gray`."""
        table = row.scores("psnr")
        if self._gray is None or table is None or table.shape[1] != len(self._gray):
            return None
        family = self._gains
        return family.interval(row.label) if family and row.label in family.models else interval(table - self._gray)

    @cached_property
    def _gray(self) -> np.ndarray | None:
        """(images,) PSNR of the photos without colour."""
        grays = [row.scores("psnr") for row in self.rows if row.label == "gray"]
        return grays[0].mean(axis=0) if grays and grays[0] is not None else None

    @cached_property
    def _gains(self) -> Family | None:
        """As :meth:`family` of PSNR, over gray."""
        return self._family_of("psnr", 0.0 if self._gray is None else self._gray)

    def seeds_known(self, row: Row) -> bool:
        """Whether anything tells how seeds spread, of this row or of the others."""
        family = self.family("psnr")
        return len(row.finished) > 1 or (family is not None and row.label in family.models and family.effects.known)

    def _draws(self, row: Row) -> list[Row]:
        """The mean and the best of a sampler's draws: below its row, and not ranked."""
        if not any(run.draws for run in row.finished):
            return []
        return [Row(f"{row.label} ({which} of {row.draws})", kind, row.runs, self) for kind, which in _DRAWN.items()]


def leagues(runs: Sequence[Result]) -> list[League]:
    """One a protocol, the one with the most models first: its table is the one that is read."""
    models: dict[str, dict[str, list[Result]]] = defaultdict(dict)
    for (protocol, label), group in newest(runs).items():
        models[protocol][label] = group
    order = sorted(models, key=lambda protocol: (-len(models[protocol]), protocol))
    return [
        League(protocol, models[protocol], [run for run in runs if run.record.fingerprint == protocol])
        for protocol in order
    ]


def made_by(provenance: Provenance) -> tuple[str, ...]:
    """The machine and the code a run was made by."""
    return tuple(str(getattr(provenance, field) or "") for field in _MADE_BY)


def _kind(group: Sequence[Result]) -> Kind:
    return Kind.BASELINE if any(run.record.baseline for run in group) else Kind.MODEL
