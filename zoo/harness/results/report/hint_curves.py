"""PSNR against hints: a plot a sweep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from zoo.harness.results.hint_rows import HintRow
from zoo.harness.results.league import League
from zoo.harness.results.measured import PSNR
from zoo.harness.results.report.hint_gains import gains
from zoo.harness.results.report.panels import MOST_PANELS, STYLES, Line, panels
from zoo.harness.results.report.plot import Plot, Point
from zoo.harness.results.report.scales import levels, linear


def hint_plots(rows: Sequence[HintRow], league: League) -> list[tuple[str, list[Plot]]]:
    """A sweep each, a line a model, and first what hints add to the best; none when no sweep has been made."""
    places = {row.label: place for place, row in enumerate(league.rows)}
    sweeps: dict[str, dict[int, list[HintRow]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row.protocol == league.protocol and row.label in places:
            sweeps[row.sweep][places[row.label]].append(row)
    return [(f"sweep {sweep}", _plots(sweep, league, lines)) for sweep, lines in sorted(sweeps.items())]


def _plots(sweep: str, league: League, lines: dict[int, list[HintRow]]) -> list[Plot]:
    x_label, factor = _levels(sweep, league)
    lines = {place: sorted(line, key=lambda row: row.level) for place, line in lines.items()}
    drawn = [
        Line(
            place,
            league.rows[place],
            league.rows[place].label,
            [Point(round(row.level * factor, 9), row.psnr.mean) for row in line],
        )
        for place, line in sorted(lines.items())[: MOST_PANELS * STYLES]
    ]
    x = levels([point.x for line in drawn for point in line.points])
    gained = gains(sweep, league, lines, x_label)
    return [*([gained] if gained else []), *panels(drawn, f"Sweep {sweep}", x_label, PSNR.axis, x, linear)]


def _levels(sweep: str, league: League) -> tuple[str, float]:
    """What the levels count, and by how much to multiply them to show them: densities in per cent."""
    described = league.suite.sweeps.get(sweep)
    given = described.sampler if described and isinstance(described.sampler, dict) else {}
    options = ", ".join(f"{key} {value}" for key, value in given.items() if key != "name")
    more = f" ({options})" if options else ""
    if described and described.densities:
        return f"hinted pixels, %{more}", 100.0
    return f"hints a photo{more}", 1.0
