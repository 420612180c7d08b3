"""Many lines as small multiples: a panel a family of models, and no more lines in it than can be told apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zoo.harness.results.league import Row
from zoo.harness.results.report.plot import SMALL, Plot, Point, Series
from zoo.harness.results.report.scales import Scale

STYLES = 8
"""Lines of a panel: each has a colour, a dash and a mark of its own (``templates/plot.css``)."""

MOST_PANELS = 12
"""Of the best models; a page of a thousand is no longer looked at line by line."""

_OWN_PANEL = 3
"""Models that a family needs for a panel of its own."""


@dataclass(frozen=True)
class Line:
    """A model's line, with its place in the table."""

    place: int
    row: Row
    title: str
    points: Sequence[Point]


def panels(
    lines: Sequence[Line], title: str, x_label: str, y_label: str, x: Scale, y: Callable[[Sequence[float]], Scale]
) -> list[Plot]:
    """Plots, the family of the best model first; in each the lines have their names at their ends.

    Args:
        x: the axis that all share.
        y: makes the axis of a panel from its values: on one scale for all, a yardstick would press the models flat.
    """
    families: dict[str, list[Line]] = defaultdict(list)
    for line in sorted(lines, key=lambda line: line.place):
        families[_family(line.row)].append(line)
    groups = {name: group for name, group in families.items() if len(group) >= _OWN_PANEL}
    others = [line for name, group in families.items() if name not in groups for line in group]
    if others:
        groups["others" if groups else ""] = sorted(others, key=lambda line: line.place)
    found = []
    for name, group in sorted(groups.items(), key=lambda item: item[1][0].place):
        parts = [group[start : start + STYLES] for start in range(0, len(group), STYLES)]
        for number, part in enumerate(parts, 1):
            heading = name + (f", {number} of {len(parts)}" if len(parts) > 1 else "")
            series = [
                Series(line.place, line.title, line.points, style=style, label=line.row.label)
                for style, line in enumerate(part)
            ]
            caption = ": ".join(filter(None, (title, heading)))
            scale = y([point.y for line in part for point in line.points])
            found.append(Plot(caption, x_label, y_label, x, scale, series, shape=SMALL))
    return found[:MOST_PANELS]


def _family(row: Row) -> str:
    """Models of one decoder; networks of one piece; what is not trained."""
    record = row.latest
    if record.recipe == "untrained":
        return "not trained"
    if decoder := record.part("decoder"):
        return f"decoder {decoder}"
    return "whole networks" if record.part("network") else ""
