"""The columns that are measured, metrics and costs: another one is another entry of a tuple here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.harness.results.column import Column, Span

if TYPE_CHECKING:
    from zoo.harness.results.finished_runs import Result
    from zoo.harness.results.league import Row


def _metric(
    name: str, title: str, meaning: str, decimals: int, *, higher: bool | None, interval: bool = False, **more: Any
) -> Column:
    def of_row(row: Row) -> Span | float | None:
        found = row.interval(name)
        spanned = None if found is None else Span(found.mean, found.low, found.high)
        return spanned if interval or spanned is None else spanned.value

    def of_run(run: Result) -> float | None:
        return run.record.scores.get(name)

    return Column(
        name, title, meaning, decimals, higher, interval, of_row=of_row, of_run=of_run, **{"shown": 1, **more}
    )


def _cost(name: str, title: str, meaning: str, decimals: int, *, higher: bool = False, **more: Any) -> Column:
    def of_row(row: Row) -> float | None:
        return row.cost(name)

    def of_run(run: Result) -> float | None:
        return run.record.costs.get(name)

    more = {"cost": True, "shown": 1, **more}
    return Column(name, title, meaning, decimals, higher, of_row=of_row, of_run=of_run, **more)


_PSNR_INTERVAL = (
    "the 95 % confidence interval over photos and seeds; over photos only where nothing tells how seeds spread (a note "
    "says so). Two rows may differ surely though these overlap: see `psnr_to_best`"
)

PSNR = _metric(
    "psnr",
    "PSNR",
    "dB, peak 255 over RGB, the mean over the photos of each photo's PSNR; identical photos count 100; "
    "higher is better",
    3,
    higher=True,
    shown=2,
    axis="PSNR, dB",
    interval=True,
    interval_meaning=_PSNR_INTERVAL,
)
METRICS = (
    PSNR,
    _metric(
        "ssim",
        "SSIM",
        "structural similarity, Gaussian window 11, σ 1.5; higher is better",
        4,
        higher=True,
        shown=2,
        interval=True,
        interval_meaning="as of `psnr`",
    ),
    _metric(
        "lpips",
        "LPIPS",
        "learned perceptual distance v0.1, AlexNet; lower is better; needs the trunk's weights",
        4,
        higher=False,
        shown=2,
        interval=True,
        interval_meaning="as of `psnr`",
    ),
    _metric(
        "st_lpips",
        "ST-LPIPS",
        "shift-tolerant LPIPS, AlexNet; lower is better; not comparable with `lpips`",
        4,
        higher=False,
        shown=2,
    ),
    _metric("delta_e00", "ΔE00", "mean CIEDE2000 colour difference; lower is better", 3, higher=False, shown=2),
    _metric(
        "colorfulness_gap",
        "colour gap",
        "mean absolute difference of the Hasler-Süsstrunk colourfulness to the photo's; lower is better",
        3,
        higher=False,
    ),
)
"""The metrics that are columns of the leaderboard, beside those of plugins."""

AREA = _metric(
    "hint_area",
    "hint area",
    "dB: the area below the PSNR over log(1 + hints) of the suite's first sweep over counts (`hints.csv`), divided by "
    "the sweep's width, so the curve's mean height, every doubling of the hints counting alike; higher is better",
    3,
    higher=True,
    axis="mean over hints, dB",
    interval=True,
    interval_meaning="as of `psnr`, over the photos of the sweep",
)
"""One number for a curve over hints."""

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
        "mean CIEDE2000 at the hinted pixels to the colour that was given, of a patch its mean, under the hints the "
        "suite scores with; 0: every hint is kept; empty without hints",
        3,
        higher=False,
    ),
)
"""Metrics of single runs."""

COSTS = (
    _cost("params_m", "params", "parameters, millions", 3, axis="parameters, millions", shown=2),
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
        shown=2,
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
TRAIN_S = _cost("train_s", "train s", "seconds of training, without the looks at the validation photos", 1)
TIME_TO = _cost(
    "time_to",
    "time to",
    "seconds of training until the PSNR of the validation photos reached the suite's `psnr_target`: between two "
    "points of the curve it is taken to rise evenly; one reached at the first point counts from there; empty when it "
    "was not reached or there is no target",
    1,
)


def plugin_metric(name: str, *, higher_is_better: bool | None) -> Column:
    """The column of a metric that is not ours."""
    return _metric(name, name, "a plugin's metric", 4, higher=higher_is_better)


def described(metric: str) -> Column:
    """A metric's column: ours, or one made for a plugin's metric."""
    ours = {column.name: column for column in (*METRICS, *DIAGNOSTICS)}
    return ours[metric] if metric in ours else plugin_metric(metric, higher_is_better=None)
