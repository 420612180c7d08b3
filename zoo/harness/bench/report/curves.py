"""Training curves: the test PSNR on the way, and the loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from zoo.harness.bench.league import League
from zoo.harness.bench.report.plot import Plot, Point, Series
from zoo.harness.bench.report.scales import linear, logarithmic
from zoo.harness.bench.results import Result
from zoo.harness.bench.run_record import CurvePoint

_MOST_POINTS = 120
"""Of a line; a log of many steps is averaged down to them."""


def curve_plots(league: League, left_out: list[str]) -> list[tuple[str, Plot]]:
    """PSNR by steps, PSNR by seconds, and loss by steps, a line a run; without what nothing was logged of.

    Args:
        left_out: told of each log that cannot be read, a sentence.
    """
    plots = [
        ("PSNR by step", _psnr_plot(league, "step", lambda point: point.step)),
        ("PSNR by second", _psnr_plot(league, "seconds of training", lambda point: point.seconds)),
        ("loss", _loss_plot(league, left_out)),
    ]
    return [(name, plot) for name, plot in plots if plot is not None]


def _runs(league: League) -> Iterable[tuple[int, Result]]:
    return ((place, run) for place, row in enumerate(league.rows) if not row.kind.of_draws for run in row.runs)


def _psnr_plot(league: League, x_label: str, x: Callable[[CurvePoint], float]) -> Plot | None:
    series = []
    for place, run in _runs(league):
        points = [Point(x(point), point.psnr) for point in run.record.curve if point.psnr is not None]
        if points:
            series.append(Series(place, f"{run.record.label}, seed {run.record.seed}", points))
    if not series:
        return None
    xs, ys = _values(series)
    return Plot("Test PSNR while training", x_label, "PSNR, dB", linear([0, *xs]), linear(ys), series)


def _loss_plot(league: League, left_out: list[str]) -> Plot | None:
    series = []
    for place, run in _runs(league):
        points = _thinned([Point(step, loss) for step, loss in _losses(run, left_out) if loss > 0])
        if points:
            series.append(Series(place, f"{run.record.label}, seed {run.record.seed}", points))
    if not series:
        return None
    xs, ys = _values(series)
    return Plot("Training loss", "step", "loss, each model's own", linear([0, *xs]), logarithmic(ys), series)


def _values(series: list[Series]) -> tuple[list[float], list[float]]:
    points = [point for line in series for point in line.points]
    return [point.x for point in points], [point.y for point in points]


def _losses(run: Result, left_out: list[str]) -> list[tuple[float, float]]:
    """(step, loss) of the player that is trained last: of an adversarial pair, the colorizer's."""
    path = run.folder.log
    if not path.exists():
        return []
    try:
        # The last line may have been cut off when the run was killed.
        lines = [line for line in path.read_bytes().splitlines() if line.endswith(b"}")]
        losses = [
            (float(entry["step"]), float(entry[name]))
            for entry in map(msgspec.json.decode, lines)
            if not entry.get("curve") and (name := _loss_name(entry))
        ]
    except (OSError, msgspec.DecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        left_out.append(f"{path} is damaged ({error}); delete its folder to run it again.")
        return []
    return [(step, loss) for step, loss in losses if math.isfinite(loss)]


def _loss_name(entry: dict[str, Any]) -> str:
    names = [name for name in entry if "/" not in name and name not in ("step", "seconds")]
    return "colorizer" if "colorizer" in names else names[-1] if names else ""


def _thinned(points: list[Point]) -> list[Point]:
    size = -(-len(points) // _MOST_POINTS)
    groups = [points[i : i + size] for i in range(0, len(points), size or 1)]
    return [Point(group[-1].x, sum(point.y for point in group) / len(group)) for group in groups]
