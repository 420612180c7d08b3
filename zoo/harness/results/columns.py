"""The CSVs of a results folder as tuples of columns, in their order.

The tables on the terminal, the report, the sorting and the tables of our texts are made of the same columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from zoo.core.errors import BadInput
from zoo.harness.results.column import Column, Span, csv_names
from zoo.harness.results.measured import AREA, COSTS, DIAGNOSTICS, METRICS, PSNR, TIME_TO, TRAIN_S
from zoo.harness.results.statistics import written

if TYPE_CHECKING:
    from zoo.harness.results.league import Row
    from zoo.harness.results.run_record import RunRecord
    from zoo.harness.results.statistics import Comparison


def _provenance(name: str, meaning: str, of: Callable[[RunRecord], Any], **more: Any) -> Column:
    """Of a row it is that of its latest run (:attr:`~zoo.harness.results.league.Row.latest`)."""
    return Column(name, name, meaning, of_row=lambda row: of(row.latest), of_run=lambda run: of(run.record), **more)


def _outcome(name: str, meaning: str, **more: Any) -> Column:
    """Of a row it is that of a run that failed, if one did."""
    return Column(name, name, meaning, of_row=attrgetter(name), of_run=attrgetter(name), **more)


RANK = Column(
    "rank",
    "rank",
    "place by PSNR among the ranked rows of the same protocol; what is told the truth or has no colours to lose is "
    "shown and not ranked",
    0,
    False,
    shown=2,
    interval=True,
    between="-",
    interval_meaning="the places it might have under other photos and seeds: 95 % for any one row, by the largest "
    "studentised difference to the other rows; monotone down the table",
    of_row=lambda row: row.standing and Span(row.standing.rank, row.standing.rank_lo, row.standing.rank_hi),
)
MODEL = Column(
    "model",
    "model",
    "the registered name, with the options that were set on the command line",
    shown=2,
    of_row=lambda row: row.label,
    of_run=lambda run: run.record.label,
    of_level=lambda row: row.label,
)
TO_BEST = Column(
    "psnr_to_best",
    "to best",
    "its PSNR less that of the first ranked row, dB, paired by photo and seed",
    3,
    True,
    shown=2,
    axis="to the best, dB",
    interval=True,
    between=" to ",
    interval_meaning="its 95 % confidence interval, with the same critical value as the places: it holds 0 where, and "
    "only where, the row is tied with the best",
    of_row=lambda row: row.standing and _difference(row.standing.to_best, 3),
)
OVER_GRAY = Column(
    "psnr_over_gray",
    "over gray",
    "its PSNR less that of `gray`, dB, paired by photo: a sample of photos with little colour moves both alike; empty "
    "where `gray` was not benched",
    3,
    True,
    shown=2,
    axis="over gray, dB",
    interval=True,
    between=" to ",
    interval_meaning="its 95 % confidence interval over photos and seeds",
    of_row=lambda row: (gain := row.over_gray) and Span(gain.mean, gain.low, gain.high),
)
KIND = Column(
    "kind",
    "kind",
    "`model`, `baseline`, or of a model's random draws the `mean of draws` or the `best of draws`",
    of_row=lambda row: row.kind.value,
)
SEEDS = Column(
    "seeds",
    "seeds",
    "finished runs behind the row",
    0,
    True,
    shown=1,
    of_row=lambda row: len(row.finished),
    of_level=lambda row: row.seeds,
)
IMAGES = Column(
    "images",
    "images",
    "photos scored; monochrome ones are left out",
    0,
    True,
    of_row=lambda row: row.finished[0].record.images if row.finished else 0,
    of_run=lambda run: run.record.images,
)
STATUS = _outcome(
    "status",
    "`ok`, or what a run ended with: `oom`, `diverged`, `timeout`, `plugin_error`, `error`, `interrupted`; `damaged`: "
    "its scores cannot be read",
    shown=1,
)
ERROR = _outcome("error", "the reason, one line")
NOTES = Column(
    "notes",
    "notes",
    "`baseline`, `tied_with_best`, seeds that are missing, and what a reader must know of the row",
    of_row=lambda row: "; ".join(_row_notes(row)),
    of_run=lambda run: "; ".join([*(["baseline"] if run.record.baseline else []), *run.record.notes]),
    of_level=lambda row: "one seed: the interval is over photos only" if row.seeds == 1 else "",
)
RECIPE = _provenance("recipe", "the registered recipe it was trained by", lambda record: record.recipe)
SUITE = _provenance("suite", "the protocol's name", lambda record: record.suite, of_level=lambda row: row.suite)
PROTOCOL = _provenance(
    "protocol",
    "its fingerprint; rows of different ones are never ranked together",
    lambda record: record.fingerprint,
    of_level=lambda row: row.protocol,
)
DEVICE = _provenance("device", "where it ran", lambda record: record.provenance.device)
DATE = _provenance("date", "when it ended, UTC", lambda record: record.date, higher_is_better=True)
PROVENANCE = (
    SUITE,
    PROTOCOL,
    _provenance(
        "data",
        "sources, and how many photos to train on / to score on; `validation` where those were scored",
        lambda record: record.data,
    ),
    DEVICE,
    _provenance("precision", "of the numbers it was computed in", lambda record: record.precision),
    _provenance("torch", "its version", lambda record: record.provenance.torch),
    _provenance("zoo", "its version", lambda record: record.provenance.zoo),
    _provenance(
        "commit", "the checkout it ran from; `+` when that had changes", lambda record: record.provenance.commit
    ),
    DATE,
)

SIZES = _provenance(
    "sizes",
    "its sizes as factors of its paper's or its authors' code's, `width 1/4 (16 of 64)`, where the table knows those; "
    "`whole` is a trunk that no suite makes smaller",
    lambda record: record.sizes,
)
PRETRAINED = _provenance(
    "pretrained",
    "its parts that started from published weights: all other rows start from nothing",
    lambda record: record.pretrained,
    shown=1,
)

CHECKED = Column(
    "checked",
    "checked",
    "what `zoo verify` found: `verified` where scoring again gave these scores, `self-reported` where it did not or "
    "could not; empty where nobody asked",
    shown=1,
    of_row=lambda row: _checked([run.checked for run in row.finished]),
    of_run=attrgetter("checked"),
)

SEEN = Column(
    "may_have_seen",
    "may have seen",
    "`yes` where its weights may have seen the photos that are scored: they or a trunk come from elsewhere, or some of "
    "the photos resemble those that it was trained on; `notes` has the reason",
    shown=1,
    of_row=lambda row: "yes" if any(run.record.may_have_seen for run in row.finished) else "",
    of_run=lambda run: "yes" if run.record.may_have_seen else "",
)

LEADERBOARD = (
    RANK,
    MODEL,
    KIND,
    PSNR,
    OVER_GRAY,
    TO_BEST,
    Column(
        "first",
        "first",
        "the probability that it is the first under other photos and seeds",
        3,
        True,
        shown=1,
        of_row=lambda row: row.standing and row.standing.first,
    ),
    *METRICS[1:],
    AREA,
    SEEDS,
    IMAGES,
    *COSTS,
    TRAIN_S,
    SIZES,
    PRETRAINED,
    RECIPE,
    SEEN,
    CHECKED,
    STATUS,
    ERROR,
    NOTES,
    *PROVENANCE,
)
SHOWN = tuple(column for column in LEADERBOARD if column.shown)
"""What of the leaderboard people look at."""

RUNS = (
    MODEL,
    Column("seed", "seed", "which run of the model", 0, of_run=lambda run: run.record.seed),
    Column("key", "key", "the hash in its folder's name", of_run=lambda run: run.record.key),
    STATUS,
    ERROR,
    *(replace(column, interval=False) for column in (*METRICS, *DIAGNOSTICS)),
    IMAGES,
    Column("steps", "steps", "optimizer steps taken", 0, of_run=lambda run: run.record.steps),
    TRAIN_S,
    *COSTS,
    TIME_TO,
    SIZES,
    PRETRAINED,
    RECIPE,
    SEEN,
    CHECKED,
    NOTES,
    *PROVENANCE,
)

HINTS = (
    MODEL,
    Column("sweep", "sweep", "which sweep of the suite", of_level=lambda row: row.sweep),
    Column(
        "level",
        "level",
        "hints a photo, or the share of pixels hinted (0.01 is 1 %)",
        of_level=lambda row: f"{row.level:g}",
    ),
    replace(
        PSNR,
        meaning="the mean over seeds and photos",
        interval_meaning="its 95 % confidence interval over both",
        of_level=lambda row: Span(row.psnr.mean, row.psnr.low, row.psnr.high),
    ),
    Column(
        "hint_error",
        "hint error",
        "mean CIEDE2000 at the hinted pixels to the colour that was given: does a hint stay what the user said; empty "
        "at 0 hints",
        3,
        False,
        of_level=lambda row: row.hint_error,
    ),
    SEEDS,
    Column(
        "photos",
        "photos",
        "behind the row; a suite may sweep the first photos only (`sweep_limit`)",
        0,
        of_level=lambda row: row.psnr.images,
    ),
    NOTES,
    SUITE,
    PROTOCOL,
)


SHOWN_IN_TABLE = Column(
    "shown",
    "shown",
    "whether `leaderboard.csv` is made of this run; not where its row has runs of a later plan",
    of_run=attrgetter("shown"),
)
FOLDER = Column(
    "folder",
    "folder",
    "where the run lies: what `zoo.load` takes, where its weights are there",
    of_run=attrgetter("folder.path"),
)
IMAGE = Column("image", "image", "the photo's name in its source")
RUNS_FRAME = (*RUNS, SHOWN_IN_TABLE, FOLDER)
"""The columns of ``zoo.runs``."""
_OF_RUN = {column.name: column for column in RUNS_FRAME}
SCORES_FRAME = (
    *(_OF_RUN[name] for name in ("model", "seed", "key", "recipe", "suite", "protocol", "shown", "folder")),
    IMAGE,
)
"""Those of ``zoo.scores``; behind them each metric's, empty where that photo has no value of it."""

SCHEMA = 1
"""Of the tables, as data frames and as CSVs. A column may join them; it rises when one goes or means something else."""

LEADERBOARD_COLUMNS = tuple(csv_names(LEADERBOARD))
RUN_COLUMNS = tuple(csv_names(RUNS))
HINT_COLUMNS = tuple(csv_names(HINTS))


def check_metric_names(metrics: Iterable[str]) -> None:
    """A metric's name becomes a column, so it must not be that of another one.

    Raises:
        BadInput: a metric called like a column that is something else, or one that is asked for twice.
    """
    metrics = [metric.partition("@")[0] for metric in metrics]
    ours = {column.name for column in (*METRICS, *DIAGNOSTICS)}
    taken = {*csv_names(SCORES_FRAME), *LEADERBOARD_COLUMNS, *RUN_COLUMNS, *HINT_COLUMNS} - ours
    for metric in metrics:
        if metric in taken:
            raise BadInput(f"The metric {metric!r} is called like another column of the results; give it another name.")
        if metrics.count(metric) > 1:
            raise BadInput(f"The metric {metric!r} is asked for twice; name it once.")


def _row_notes(row: Row) -> list[str]:
    if row.kind.of_draws:
        return row.notes
    baseline = ["baseline"] if row.baseline else []
    tied = ["tied_with_best"] if row.tied_with_best else []
    return [*baseline, *row.notes, *tied]


def _checked(found: list[str]) -> str:
    """Of a row's runs together: one that is not verified leaves the row self-reported."""
    return "" if not any(found) else "verified" if set(found) == {"verified"} else "self-reported"


def _difference(found: Comparison, decimals: int) -> Span:
    return Span(found.difference, *written(found.low, found.high, decimals))
