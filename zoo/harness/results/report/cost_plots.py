"""Quality against cost: a plot a cost, with the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.harness.results.column import Column
from zoo.harness.results.columns import LEADERBOARD
from zoo.harness.results.league import Kind, League, Row
from zoo.harness.results.measured import PSNR
from zoo.harness.results.report.panels import STYLES
from zoo.harness.results.report.plot import Plot, Point, Series
from zoo.harness.results.report.scales import linear, logarithmic


def cost_plots(league: League) -> list[tuple[Column, Plot]]:
    """PSNR against each cost that was measured for two models or more; what costs nothing is left out."""
    plots = [(column, _plot(league, column)) for column in LEADERBOARD if column.cost and column.axis]
    return [(cost, plot) for cost, plot in plots if plot is not None]


def _plot(league: League, cost: Column) -> Plot | None:
    found: list[tuple[int, Row, Point]] = []
    for place, row in enumerate(league.rows):
        x, y = row.cost(cost.name), row.interval(PSNR.name)
        if x is not None and x > 0 and y is not None and not row.kind.of_draws:
            found.append((place, row, Point(x, y.mean, y.low, y.high)))
    if len(found) < 2:
        return None
    points = [point for _, _, point in found]
    sign = -1 if cost.higher_is_better else 1
    # A yardstick that costs nothing, or knows the truth, would leave no front to the models.
    models = [i for i, (_, row, _) in enumerate(found) if row.kind is Kind.MODEL and row.ranked]
    front = [models[i] for i in pareto_front([sign * points[i].x for i in models], [points[i].y for i in models])]
    styles = _styles(league)
    series = [
        Series(
            place,
            f"{row.label}: {PSNR.text(point.y)} dB, {cost.text(point.x)} {cost.axis}"
            + (", on the Pareto front" if i in front else ""),
            [point],
            line=False,
            hollow=row.baseline,
            label=row.label,
            style=styles.get(place),
        )
        for i, (place, row, point) in enumerate(found)
    ]
    # The front's names are placed first; the others get what room is left.
    on_front = {found[i][0] for i in front}
    series.sort(key=lambda one: one.model not in on_front)
    bounds = [bound for point in points for bound in (point.y, point.low, point.high) if bound is not None]
    return Plot(
        title=f"PSNR against {cost.axis}",
        x_label=f"{cost.axis} ({'→' if cost.higher_is_better else '←'} better)",
        y_label=PSNR.axis,
        x=logarithmic([point.x for point in points]),
        y=linear(bounds),
        series=series,
        front=[points[i] for i in front],
    )


def _styles(league: League) -> dict[int, int]:
    """The best models in colours of their own, the same in every plot against a cost; the others are grey."""
    ranked = [place for place, row in enumerate(league.rows) if row.standing and row.kind is Kind.MODEL]
    return {place: style for style, place in enumerate(ranked[:STYLES])}


def pareto_front(costs: Sequence[float], qualities: Sequence[float]) -> list[int]:
    """The points that no other beats: none costs less and is as good, or costs as much and is better.

    Args:
        costs: lower is better.
        qualities: higher is better.

    Returns:
        Their indices, the cheapest first.
    """
    front: list[int] = []
    for i in sorted(range(len(costs)), key=lambda i: (costs[i], -qualities[i])):
        if not front or qualities[i] > qualities[front[-1]]:
            front.append(i)
    return front
