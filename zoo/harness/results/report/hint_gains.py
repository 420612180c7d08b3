"""What hints add: PSNR over a model's own without hints, beside the gains that Zhang et al. published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zoo.core.spec import part_ref
from zoo.harness.results.hint_rows import HintRow
from zoo.harness.results.league import League
from zoo.harness.results.report.plot import Plot, Point, Series, Shape
from zoo.harness.results.report.scales import levels, linear

BEST = 6
"""Rows that are drawn, besides :data:`ALWAYS`."""
ALWAYS = "levin2004"

ZHANG2017 = {0: 24.43, 1: 25.37, 2: 26.20, 5: 27.39, 10: 28.42, 20: 29.34, 50: 30.42, 100: 31.13, 200: 31.70}
"""PSNR in dB at so many patches of 6×6 pixels, mean over 1,000 ImageNet photos at 256 px: the column means of
``resources/psnrs_siggraph.npy`` of richzhang/colorization-pytorch, the authors' own scores (arXiv:1705.02999)."""

_SHAPE = Shape(960, 420, 58, 240, 14, 50, ends=True)


def gains(sweep: str, league: League, lines: Mapping[int, Sequence[HintRow]], x_label: str) -> Plot | None:
    """The best rows' gains, levin2004's, and the published ones where the hints are theirs; None without a level 0.

    Args:
        lines: by a row's place in the leaderboard, its levels in order.
    """
    drawn: list[Series] = []
    for place, rows in sorted(lines.items()):
        row = league.rows[place]
        known = {level.level: level.psnr.mean for level in rows}
        if 0 in known and row.ranked and (len(drawn) < BEST or row.label == ALWAYS):
            points = [Point(level, value - known[0]) for level, value in known.items()]
            drawn.append(Series(place, row.label, points, style=len(drawn), label=row.label))
    if not drawn:
        return None
    x = levels([point.x for series in drawn for point in series.points])
    if _is_zhangs(sweep, league):
        points = [Point(n, value - ZHANG2017[0]) for n, value in ZHANG2017.items() if n <= x.ticks[-1]]
        drawn.append(Series(-1, "Zhang et al. 2017, as published", points, label="Zhang 2017, published"))
    y = linear([point.y for series in drawn for point in series.points])
    return Plot(
        f"Sweep {sweep}: gain over no hints", x_label, "PSNR over its own without hints, dB", x, y, drawn, shape=_SHAPE
    )


def _is_zhangs(sweep: str, league: League) -> bool:
    """Whether the hints are those of their evaluation: patches of 6×6 pixels, normally placed around the middle."""
    said = league.suite.sweeps.get(sweep)
    if said is None:
        return False
    ref = part_ref(said.sampler, sweep)
    asked = {"sizes": 6, "positions": "gaussian"}
    return ref.name == "points" and {name: ref.options.get(name) for name in asked} == asked
