"""The columns of the results: what each is called, means and is written like, said once.

The CSVs, the tables on the terminal, the report, the sorting and ``results/README.md`` are made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.core.errors import BadInput

if TYPE_CHECKING:
    from zoo.harness.results.finished_runs import Result
    from zoo.harness.results.hint_rows import HintRow
    from zoo.harness.results.league import Row
    from zoo.harness.results.run_record import RunRecord
    from zoo.harness.results.statistics import Comparison


class Span(NamedTuple):
    """A value between two others: a mean in its interval, a rank among those it might have."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Column:
    """One thing that is said of a row.

    Args:
        name: its name in the CSVs.
        title: its heading where people look.
        meaning: what it is, for a person who meets it first.
        decimals: how many are written; None where it is not a number.
        higher_is_better: which end comes first when rows are sorted by it; None where no end is better.
        interval: whether it has a low and a high end, ``<name>_lo`` and ``<name>_hi``.
        interval_meaning: what they say.
        cost: whether it is what a model costs, to be set against its quality.
        axis: what a plot writes beside it.
        of_row: its value (a :class:`Span` with an interval) of a leaderboard's row.
        of_run: its value of one run.
        of_level: its value of one level of a hint sweep.
    """

    name: str
    title: str
    meaning: str
    decimals: int | None = None
    higher_is_better: bool | None = None
    interval: bool = False
    interval_meaning: str = ""
    cost: bool = False
    axis: str = ""
    of_row: Callable[[Row], Any] | None = None
    of_run: Callable[[Result], Any] | None = None
    of_level: Callable[[HintRow], Any] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Its columns in a CSV."""
        return (self.name, f"{self.name}_lo", f"{self.name}_hi") if self.interval else (self.name,)

    def text(self, value: Any) -> str:
        """A value as it is written everywhere; empty for what was not measured."""
        if value is None or value != value:
            return ""
        return str(value) if self.decimals is None else f"{value:.{self.decimals}f}"

    def texts(self, value: Any) -> dict[str, str]:
        """The cells of a value, by the names of :attr:`names`."""
        parts = (value if isinstance(value, Span) else Span(value, None, None)) if self.interval else (value,)
        return dict(zip(self.names, map(self.text, parts), strict=True))


def _metric(name: str, title: str, meaning: str, decimals: int, *, higher: bool | None, **more: Any) -> Column:
    def of_row(row: Row) -> Span | None:
        found = row.interval(name)
        return None if found is None else Span(found.mean, found.low, found.high)

    return Column(
        name,
        title,
        meaning,
        decimals,
        higher,
        of_row=of_row if more.get("interval") else lambda row: None if (found := of_row(row)) is None else found.value,
        of_run=lambda run: run.record.scores.get(name),
        **more,
    )


def _cost(name: str, title: str, meaning: str, decimals: int, *, higher: bool = False, **more: Any) -> Column:
    return Column(
        name,
        title,
        meaning,
        decimals,
        higher,
        cost=True,
        of_row=lambda row: row.cost(name),
        of_run=lambda run: run.record.costs.get(name),
        **more,
    )


def _provenance(name: str, meaning: str, of: Callable[[RunRecord], Any], **more: Any) -> Column:
    """Of a row it is that of the run that ended last."""
    return Column(name, name, meaning, of_row=lambda row: of(row.latest), of_run=lambda run: of(run.record), **more)


_PSNR_INTERVAL = (
    "the 95 % confidence interval over photos and seeds; over photos only where nothing tells how seeds spread (a note "
    "says so). Two rows may differ surely though these overlap: see `psnr_to_best`"
)

RANK = Column(
    "rank",
    "rank",
    "place by PSNR among the ranked rows of the same protocol; what is told the truth or has no colours to lose is "
    "shown and not ranked",
    0,
    False,
    interval=True,
    interval_meaning="the places it might have under other photos and seeds: 95 % for any one row, by the largest "
    "studentised difference to the other rows; monotone down the table",
    of_row=lambda row: row.standing and Span(row.standing.rank, row.standing.rank_lo, row.standing.rank_hi),
)
MODEL = Column(
    "model",
    "model",
    "the registered name, with the options that were set on the command line",
    of_row=lambda row: row.label,
    of_run=lambda run: run.record.label,
    of_level=lambda row: row.label,
)
PSNR = _metric(
    "psnr",
    "PSNR",
    "dB, peak 255 over RGB, the mean over the photos of each photo's PSNR; identical photos count 100; "
    "higher is better",
    3,
    higher=True,
    interval=True,
    interval_meaning=_PSNR_INTERVAL,
)
TO_BEST = Column(
    "psnr_to_best",
    "to best",
    "its PSNR less that of the first ranked row, dB, paired by photo and seed",
    3,
    True,
    interval=True,
    interval_meaning="its 95 % confidence interval, with the same critical value as the places: it holds 0 where, and "
    "only where, the row is tied with the best",
    of_row=lambda row: row.standing and Span(*_difference(row.standing.to_best)),
)
FIRST = Column(
    "first",
    "first",
    "the probability that it is the first under other photos and seeds",
    3,
    True,
    of_row=lambda row: row.standing and row.standing.first,
)
KIND = Column(
    "kind",
    "kind",
    "`model`, `baseline`, or of a model's random draws the `mean of draws` or the `best of draws`",
    of_row=lambda row: row.kind.value,
)
METRICS = (
    PSNR,
    _metric(
        "ssim",
        "SSIM",
        "structural similarity, Gaussian window 11, σ 1.5; higher is better",
        4,
        higher=True,
        interval=True,
        interval_meaning="as of `psnr`",
    ),
    _metric(
        "lpips",
        "LPIPS",
        "learned perceptual distance v0.1, AlexNet; lower is better; needs the trunk's weights",
        4,
        higher=False,
        interval=True,
        interval_meaning="as of `psnr`",
    ),
    _metric(
        "st_lpips",
        "ST-LPIPS",
        "shift-tolerant LPIPS, AlexNet; lower is better; not comparable with `lpips`",
        4,
        higher=False,
    ),
    _metric("delta_e00", "ΔE00", "mean CIEDE2000 colour difference; lower is better", 3, higher=False),
    _metric(
        "colorfulness_gap",
        "colour gap",
        "mean absolute difference of the Hasler-Süsstrunk colourfulness to the photo's; lower is better",
        3,
        higher=False,
    ),
)
"""The metrics that are columns of the leaderboard, beside those of plugins."""

DIAGNOSTICS = (
    _metric(
        "bleeding",
        "bleeding",
        "chroma error near lightness edges against away from them; lower is better",
        4,
        higher=False,
    ),
    _metric(
        "checkerboard",
        "checkerboard",
        "excess of the chroma's energy at periods 2 and 4 over the photo's; lower is better",
        4,
        higher=False,
    ),
    _metric(
        "hint_error",
        "hint error",
        "mean CIEDE2000 at the hinted pixels, under the hints the suite scores with; 0: every hint is kept; "
        "empty without hints",
        3,
        higher=False,
    ),
)
"""Metrics of single runs."""

SEEDS = Column(
    "seeds",
    "seeds",
    "finished runs behind the row",
    0,
    True,
    of_row=lambda row: len(row.finished),
    of_level=lambda row: row.seeds,
)
IMAGES = Column(
    "images",
    "images",
    "test photos scored; monochrome ones are left out",
    0,
    True,
    of_row=lambda row: row.finished[0].record.images if row.finished else 0,
    of_run=lambda run: run.record.images,
)
COSTS = (
    _cost("params_m", "params", "parameters, millions", 3, axis="parameters, millions"),
    _cost(
        "gflops",
        "GFLOPs",
        "arithmetic to colorize one photo of the suite's size, 10⁹ operations, a multiply-add counts as two",
        3,
        axis="10⁹ operations a photo",
    ),
    _cost(
        "train_img_s",
        "train/s",
        "training photos a second, the whole step",
        1,
        higher=True,
        axis="training photos a second",
    ),
    _cost(
        "infer_ms",
        "ms",
        "milliseconds to colorize one photo of the suite's size, batch 1, median",
        2,
        axis="milliseconds a photo",
    ),
    _cost(
        "peak_mem_mb",
        "MiB",
        "MiB: on CUDA the most that tensors took, on the CPU the most the process had resident",
        0,
        axis="peak memory, MiB",
    ),
)
TRAIN_S = _cost("train_s", "train s", "seconds of training, without the looks at the test photos", 1)
TIME_TO = _cost(
    "time_to",
    "time to",
    "seconds of training until the PSNR reached the suite's `psnr_target`: between two points of the curve it is "
    "taken to rise evenly; one reached at the first point counts from there; empty when it was not reached or there "
    "is no target",
    1,
)
STATUS = Column(
    "status",
    "status",
    "`ok`, or what a run ended with: `oom`, `diverged`, `timeout`, `plugin_error`, `error`, `interrupted`; `damaged`: "
    "its scores cannot be read",
    of_row=lambda row: row.outcome[0],
    of_run=lambda run: run.status,
)
ERROR = Column(
    "error",
    "error",
    "the reason, one line",
    of_row=lambda row: row.outcome[1],
    of_run=lambda run: run.error,
)
NOTES = Column(
    "notes",
    "notes",
    "`baseline`, `tied_with_best`, seeds that are missing, and what a reader must know of the row",
    of_row=lambda row: "; ".join(_row_notes(row)),
    of_run=lambda run: "; ".join([*(["baseline"] if run.record.baseline else []), *run.record.notes]),
    of_level=lambda row: "one seed: the interval is over photos only" if row.seeds == 1 else "",
)
SUITE = _provenance("suite", "the protocol's name", lambda record: record.suite, of_level=lambda row: row.suite)
PROTOCOL = _provenance(
    "protocol",
    "its fingerprint; rows of different ones are never ranked together",
    lambda record: record.fingerprint,
    of_level=lambda row: row.protocol,
)
PROVENANCE = (
    SUITE,
    PROTOCOL,
    _provenance("data", "sources, and how many photos to train on / to score on", lambda record: record.data),
    _provenance("device", "where it ran", lambda record: record.provenance.device),
    _provenance("precision", "of the numbers it was computed in", lambda record: record.precision),
    _provenance("torch", "its version", lambda record: record.provenance.torch),
    _provenance("zoo", "its version", lambda record: record.provenance.zoo),
    _provenance(
        "commit", "the checkout it ran from; `+` when that had changes", lambda record: record.provenance.commit
    ),
    _provenance("date", "when it ended, UTC", lambda record: record.date, higher_is_better=True),
)
RECIPE = Column("recipe", "recipe", "the registered recipe it was trained by", of_run=lambda run: run.record.recipe)

LEADERBOARD = (
    RANK,
    MODEL,
    KIND,
    PSNR,
    TO_BEST,
    FIRST,
    *METRICS[1:],
    SEEDS,
    IMAGES,
    *COSTS,
    TRAIN_S,
    STATUS,
    ERROR,
    NOTES,
    *PROVENANCE,
)

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
    RECIPE,
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
        "mean CIEDE2000 at the hinted pixels: does a hint stay what the user said; empty at 0 hints",
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


def plugin_metric(name: str, *, higher_is_better: bool | None) -> Column:
    """The column of a metric that is not ours."""
    return _metric(name, name, "a plugin's metric", 4, higher=higher_is_better)


def csv_names(columns: Iterable[Column]) -> list[str]:
    """The header of a CSV."""
    return [name for column in columns for name in column.names]


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
    taken = {"image", *LEADERBOARD_COLUMNS, *RUN_COLUMNS, *HINT_COLUMNS} - ours
    for metric in metrics:
        if metric in taken:
            raise BadInput(f"The metric {metric!r} is called like another column of the results; give it another name.")
        if metrics.count(metric) > 1:
            raise BadInput(f"The metric {metric!r} is asked for twice; name it once.")


def row_cells(row: Row, columns: Sequence[Column]) -> dict[str, str]:
    """A leaderboard row's cells."""
    return _cells((column, column.of_row and column.of_row(row)) for column in columns)


def run_cells(run: Result, columns: Sequence[Column]) -> dict[str, str]:
    """A run's cells."""
    return _cells((column, column.of_run and column.of_run(run)) for column in columns)


def level_cells(row: HintRow, columns: Sequence[Column]) -> dict[str, str]:
    """The cells of a level of a hint sweep."""
    return _cells((column, column.of_level and column.of_level(row)) for column in columns)


def _cells(values: Iterable[tuple[Column, Any]]) -> dict[str, str]:
    return {name: text for column, value in values for name, text in column.texts(value).items()}


def _row_notes(row: Row) -> list[str]:
    if row.kind.of_draws:
        return row.notes
    baseline = ["baseline"] if row.kind.value == "baseline" else []
    tied = ["tied_with_best"] if row.tied_with_best else []
    return [*baseline, *row.notes, *tied]


def _difference(found: Comparison) -> tuple[float, float, float]:
    return found.difference, found.low, found.high


def described(metric: str) -> Column:
    """A metric's column: ours, or one made for a plugin's metric."""
    ours = {column.name: column for column in (*METRICS, *DIAGNOSTICS)}
    return ours[metric] if metric in ours else plugin_metric(metric, higher_is_better=None)
