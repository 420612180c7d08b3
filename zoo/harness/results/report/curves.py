"""Training curves: the PSNR of the validation photos on the way, and the loss."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import fmean

from zoo.harness.results.finished_runs import Result
from zoo.harness.results.league import League
from zoo.harness.results.measured import PSNR
from zoo.harness.results.report.panels import MOST_PANELS, STYLES, Line, panels
from zoo.harness.results.report.plot import Plot, Point
from zoo.harness.results.report.scales import linear, logarithmic
from zoo.harness.results.run_record import CurvePoint

_MOST_POINTS = 120
"""Of a line; a log of many steps is averaged down to them."""


def curve_plots(league: League, left_out: list[str]) -> list[tuple[str, list[Plot]]]:
    """PSNR by steps, PSNR by seconds, and loss by steps, a line a model; without what nothing was logged of.

    Args:
        left_out: told of each log that cannot be read, a sentence.
    """
    found = [
        ("PSNR by step", _psnr(league, "step", lambda point: point.step)),
        ("PSNR by second", _psnr(league, "seconds of training", lambda point: point.seconds)),
        ("loss", _loss(league, left_out)),
    ]
    return [(name, plots) for name, plots in found if plots]


def _psnr(league: League, x_label: str, x: Callable[[CurvePoint], float]) -> list[Plot]:
    def points(run: Result) -> list[Point]:
        return [Point(x(point), point.psnr) for point in run.record.curve if point.psnr is not None]

    lines = _lines(league, points)
    if not lines:
        return []
    xs = [point.x for line in lines for point in line.points]
    return panels(lines, _whose(league), x_label, PSNR.axis, linear([0, *xs]), linear)


def _whose(league: League) -> str:
    """Records from before there were validation photos have curves of the test photos."""
    looked_at = all(run.record.data.validation for row in league.rows for run in row.runs)
    return "Validation PSNR" if looked_at else "Test PSNR"


def _loss(league: League, left_out: list[str]) -> list[Plot]:
    def points(run: Result) -> list[Point]:
        return _thinned([Point(step, loss) for step, loss in _losses(run, left_out) if loss > 0])

    lines = _lines(league, points)
    if not lines:
        return []
    xs = [point.x for line in lines for point in line.points]
    return panels(lines, "Training loss", "step", "loss, each model's own", linear([0, *xs]), logarithmic)


def _lines(league: League, points: Callable[[Result], list[Point]]) -> list[Line]:
    """A line a model: the mean of its seeds where they were looked at alike, else its first seed."""
    lines: list[Line] = []
    for place, row in enumerate(league.rows):
        if row.kind.of_draws or len(lines) >= MOST_PANELS * STYLES:
            continue
        runs = [found for run in row.runs if (found := points(run))]
        if not runs:
            continue
        alike = [found for found in runs if len(found) == len(runs[0])]
        mean = [Point(fmean(p.x for p in each), fmean(p.y for p in each)) for each in zip(*alike, strict=True)]
        lines.append(Line(place, row, f"{row.label}, mean of {len(alike)} runs" if len(alike) > 1 else row.label, mean))
    return lines


def _losses(run: Result, left_out: list[str]) -> list[tuple[float, float]]:
    """(step, loss) of each logged step."""
    try:
        logged = run.folder.logged()
    except (OSError, ValueError) as error:
        left_out.append(f"{run.folder.log} is damaged ({error}); delete its folder to run it again.")
        return []
    return [(entry.step, entry.loss) for entry in logged if entry.loss is not None and math.isfinite(entry.loss)]


def _thinned(points: list[Point]) -> list[Point]:
    size = -(-len(points) // _MOST_POINTS)
    groups = [points[i : i + size] for i in range(0, len(points), size or 1)]
    return [Point(group[-1].x, sum(point.y for point in group) / len(group)) for group in groups]
