"""Quality against cost: a plot a cost, with the Pareto front."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.harness.bench.report.pareto import pareto_front
from zoo.harness.bench.report.plot import Plot, Point, Series
from zoo.harness.bench.report.results import Standing, number
from zoo.harness.bench.report.scales import linear, logarithmic


@dataclass(frozen=True)
class Cost:
    """A cost's column, and how to speak of it."""

    column: str
    name: str
    label: str
    lower_is_better: bool = True


COSTS = (
    Cost("train_img_s", "training speed", "training photos a second", lower_is_better=False),
    Cost("params_m", "parameters", "parameters, millions"),
    Cost("infer_ms", "inference time", "milliseconds a photo"),
    Cost("gflops", "arithmetic", "10⁹ operations a photo"),
    Cost("peak_mem_mb", "memory", "peak memory, MiB"),
)


def cost_plots(standing: Standing) -> list[tuple[Cost, Plot]]:
    """PSNR against each cost that was measured for two models or more; what costs nothing is left out."""
    plots = []
    for cost in COSTS:
        plot = _plot(standing, cost)
        if plot is not None:
            plots.append((cost, plot))
    return plots


def _plot(standing: Standing, cost: Cost) -> Plot | None:
    found: list[tuple[int, Point]] = []
    for place, row in enumerate(standing.rows):
        x, y = number(row.get(cost.column, "")), number(row.get("psnr", ""))
        if x is not None and x > 0 and y is not None:
            found.append((place, Point(x, y, number(row.get("psnr_lo", "")), number(row.get("psnr_hi", "")))))
    if len(found) < 2:
        return None
    points = [point for _, point in found]
    sign = 1 if cost.lower_is_better else -1
    front = pareto_front([sign * point.x for point in points], [point.y for point in points])
    series = [
        Series(
            place,
            f"{(row := standing.rows[place])['model']}: {point.y:.2f} dB, {cost.label} {row[cost.column]}"
            + (", on the Pareto front" if i in front else ""),
            [point],
            line=False,
            hollow=row.get("notes", "").startswith("baseline"),
            label=row["model"],
        )
        for i, (place, point) in enumerate(found)
    ]
    # The front's names are placed first; the others get what room is left.
    on_front = {found[i][0] for i in front}
    series.sort(key=lambda one: one.model not in on_front)
    bounds = [bound for point in points for bound in (point.y, point.low, point.high) if bound is not None]
    return Plot(
        title=f"PSNR against {cost.name}",
        x_label=f"{cost.label} ({'←' if cost.lower_is_better else '→'} better)",
        y_label="PSNR, dB",
        x=logarithmic([point.x for point in points]),
        y=linear(bounds),
        series=series,
        front=[points[i] for i in front],
    )
