"""PSNR against hints: a plot a sweep of ``hints.csv``."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from zoo.core.errors import BadInput
from zoo.harness.bench.report.plot import Plot, Point, Series
from zoo.harness.bench.report.results import Standing, number, read_csv
from zoo.harness.bench.report.scales import levels, linear


def hint_plots(folder: Path, standing: Standing) -> list[Plot]:
    """A line a model; none when no sweep has been made.

    Raises:
        BadInput: hints.csv cannot be read.
    """
    path = folder / "hints.csv"
    if not path.exists():
        return []
    places = {model: place for place, model in enumerate(standing.models)}
    sweeps: dict[str, dict[int, list[Point]]] = defaultdict(lambda: defaultdict(list))
    for row in read_csv(path, ("model", "sweep", "level", "psnr")):
        level, psnr = number(row["level"]), number(row["psnr"])
        if level is None or level < 0:
            raise BadInput(f"{path} has a level that is no count: {row['level']!r}; delete it and sweep again.")
        if psnr is not None and row["model"] in places and row.get("protocol", standing.protocol) == standing.protocol:
            point = Point(level, psnr, number(row.get("psnr_lo", "")), number(row.get("psnr_hi", "")))
            sweeps[row["sweep"]][places[row["model"]]].append(point)
    return [_plot(sweep, standing, lines) for sweep, lines in sorted(sweeps.items())]


def _plot(sweep: str, standing: Standing, lines: dict[int, list[Point]]) -> Plot:
    x_label, factor = _levels(sweep, standing)
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
                standing.models[place],
                [replace(point, x=round(point.x * factor, 9)) for point in sorted(line, key=lambda point: point.x)],
            )
            for place, line in sorted(lines.items())
        ],
    )


def _levels(sweep: str, standing: Standing) -> tuple[str, float]:
    """What the levels count, and by how much to multiply them to show them: densities in per cent."""
    described = (standing.suite.get("sweeps") or {}).get(sweep) or {}
    hints = described.get("hints")
    given = hints if isinstance(hints, dict) else {}
    options = ", ".join(f"{key} {value}" for key, value in given.items() if key != "name")
    more = f" ({options})" if options else ""
    if described.get("densities"):
        return f"hinted pixels, %{more}", 100.0
    return f"hints a photo{more}", 1.0
