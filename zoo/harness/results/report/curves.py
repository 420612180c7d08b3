"""Training curves: the PSNR of the validation photos on the way, and the loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from statistics import fmean

from zoo.harness.results.finished_runs import Result
from zoo.harness.results.league import League
from zoo.harness.results.measured import PSNR
from zoo.harness.results.report.panels import MOST_PANELS, STYLES, Line, panels
from zoo.harness.results.report.plot import Plot, Point
from zoo.harness.results.report.scales import Scale, linear, logarithmic
from zoo.harness.results.run_record import CurvePoint

_MOST_POINTS = 120
"""Of a line; a log of many steps is averaged down to them."""


def curve_plots(league: League, left_out: list[str]) -> list[tuple[str, list[Plot]]]:
    """PSNR by steps, PSNR by seconds, and loss by steps, a line a model; without what nothing was logged of.

    Args:
        left_out: told of each log that cannot be read, a sentence.
    """

    def psnr(x: Callable[[CurvePoint], float]) -> Callable[[Result], list[Point]]:
        return lambda run: [Point(x(point), point.psnr) for point in run.record.curve if point.psnr is not None]

    # Records from before there were validation photos have curves of the test photos.
    looked_at = all(run.record.data.validation for row in league.rows for run in row.runs)
    title, loss = "Validation PSNR" if looked_at else "Test PSNR", "loss, each model's own"
    by_step, by_second = psnr(lambda point: point.step), psnr(lambda point: point.seconds)
    found = [
        ("PSNR by step", _plots(league, by_step, title, "step", PSNR.axis, linear)),
        ("PSNR by second", _plots(league, by_second, title, "seconds of training", PSNR.axis, linear)),
        ("loss", _plots(league, partial(_losses, left_out), "Training loss", "step", loss, logarithmic)),
    ]
    return [(name, plots) for name, plots in found if plots]


def _plots(
    league: League,
    points: Callable[[Result], list[Point]],
    title: str,
    x_label: str,
    y_label: str,
    y: Callable[[Sequence[float]], Scale],
) -> list[Plot]:
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
    xs = [point.x for line in lines for point in line.points]
    return panels(lines, title, x_label, y_label, linear([0, *xs]), y) if lines else []


def _losses(left_out: list[str], run: Result) -> list[Point]:
    """By step, averaged down to few; the axis has no place for what is not above 0."""
    try:
        logged = run.folder.logged()
    except (OSError, ValueError) as error:
        left_out.append(f"{run.folder.log} is damaged ({error}); delete its folder to run it again.")
        return []
    points = [Point(entry.step, entry.loss) for entry in logged if entry.loss and 0 < entry.loss < math.inf]
    size = -(-len(points) // _MOST_POINTS)
    groups = [points[i : i + size] for i in range(0, len(points), size or 1)]
    return [Point(group[-1].x, sum(point.y for point in group) / len(group)) for group in groups]
