"""PSNR against hints: a plot a sweep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from zoo.harness.bench.hint_rows import HintRow
from zoo.harness.bench.league import League
from zoo.harness.bench.report.plot import Plot, Point, Series
from zoo.harness.bench.report.scales import levels, linear


def hint_plots(rows: Sequence[HintRow], league: League) -> list[Plot]:
    """A line a model; none when no sweep has been made."""
    places = {row.label: place for place, row in enumerate(league.rows)}
    sweeps: dict[str, dict[int, list[Point]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row.protocol == league.protocol and row.label in places:
            point = Point(row.level, row.psnr.mean, row.psnr.low, row.psnr.high)
            sweeps[row.sweep][places[row.label]].append(point)
    return [_plot(sweep, league, lines) for sweep, lines in sorted(sweeps.items())]


def _plot(sweep: str, league: League, lines: dict[int, list[Point]]) -> Plot:
    x_label, factor = _levels(sweep, league)
    points = [point for line in lines.values() for point in line]
    bounds = [bound for point in points for bound in (point.y, point.low, point.high) if bound is not None]
    return Plot(
        title=f"Sweep {sweep}",
        x_label=x_label,
        y_label="PSNR, dB",
        x=levels([round(point.x * factor, 9) for point in points]),
        y=linear(bounds),
        series=[
            Series(
                place,
                league.rows[place].label,
                [replace(point, x=round(point.x * factor, 9)) for point in sorted(line, key=lambda point: point.x)],
            )
            for place, line in sorted(lines.items())
        ],
    )


def _levels(sweep: str, league: League) -> tuple[str, float]:
    """What the levels count, and by how much to multiply them to show them: densities in per cent."""
    described = (league.suite.get("sweeps") or {}).get(sweep) or {}
    hints = described.get("hints")
    given = hints if isinstance(hints, dict) else {}
    options = ", ".join(f"{key} {value}" for key, value in given.items() if key != "name")
    more = f" ({options})" if options else ""
    if described.get("densities"):
        return f"hinted pixels, %{more}", 100.0
    return f"hints a photo{more}", 1.0
