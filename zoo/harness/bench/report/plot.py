"""Plots as plain geometry; ``templates/plot.svg`` draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from zoo.harness.bench.report.scales import Scale, shown

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 58, 18, 14, 50
_CHARACTER, _LINE = 7.2, 14.0
"""About how large a label's letters are drawn."""


@dataclass(frozen=True)
class Point:
    """A value, with its interval where it has one."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Series:
    """A model's points: a line through them, or a mark at each.

    ``model`` is its place in the leaderboard, by which the page colours it.
    """

    model: int
    title: str
    points: Sequence[Point]
    line: bool = True
    hollow: bool = False
    label: str = ""


@dataclass(frozen=True)
class Mark:
    """A drawn point: pixels."""

    x: float
    y: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Label:
    """A drawn name: where it starts, ends or is centred."""

    x: float
    y: float
    anchor: str
    text: str


@dataclass(frozen=True)
class Drawn:
    """A series in pixels."""

    series: Series
    path: str
    marks: list[Mark]
    label: Label | None


@dataclass
class Plot:
    """A plot: axes, series, and perhaps a front drawn behind them."""

    title: str
    x_label: str
    y_label: str
    x: Scale
    y: Scale
    series: list[Series]
    front: list[Point] = field(default_factory=list)

    width, height, left, top = WIDTH, HEIGHT, LEFT, TOP
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM

    @property
    def x_ticks(self) -> list[tuple[float, str]]:
        return [(self._x(tick), shown(tick)) for tick in self.x.ticks]

    @property
    def y_ticks(self) -> list[tuple[float, str]]:
        return [(self._y(tick), shown(tick)) for tick in self.y.ticks]

    @property
    def front_path(self) -> str:
        """Steps: between two points of a front the cheaper one is the best there is."""
        path = ""
        for point in self.front:
            x, y = self._x(point.x), self._y(point.y)
            path += f"H{x}V{y}" if path else f"M{x},{y}"
        return path

    @property
    def drawn(self) -> list[Drawn]:
        """Every series in pixels, labels placed where there is room for them."""
        taken: list[tuple[float, float, float, float]] = []
        marks = [[self._mark(point) for point in series.points] for series in self.series]
        for mark in (mark for found in marks for mark in found):
            taken.append((mark.x - 5, mark.y - 5, mark.x + 5, mark.y + 5))
        drawn = []
        for series, found in zip(self.series, marks, strict=True):
            path = "M" + "L".join(f"{mark.x},{mark.y}" for mark in found) if series.line and found else ""
            label = self._label(series.label, found[-1], taken) if series.label and found else None
            drawn.append(Drawn(series, path, found, label))
        return drawn

    def _x(self, value: float) -> float:
        return round(self.left + self.x.place(value) * (self.right - self.left), 1)

    def _y(self, value: float) -> float:
        return round(self.bottom - self.y.place(value) * (self.bottom - self.top), 1)

    def _mark(self, point: Point) -> Mark:
        bars = point.low is not None and point.high is not None
        low, high = (self._y(point.low or 0.0), self._y(point.high or 0.0)) if bars else (None, None)
        return Mark(self._x(point.x), self._y(point.y), low, high)

    def _label(self, text: str, mark: Mark, taken: list[tuple[float, float, float, float]]) -> Label | None:
        """Right, left, above or below its point; None where all of these are taken."""
        wide = _CHARACTER * len(text)
        choices = (
            (mark.x + 8, mark.y + 4, "start", mark.x + 8),
            (mark.x - 8, mark.y + 4, "end", mark.x - 8 - wide),
            (mark.x, mark.y - 9, "middle", mark.x - wide / 2),
            (mark.x, mark.y + 17, "middle", mark.x - wide / 2),
        )
        for x, y, anchor, start in choices:
            box = (start, y - _LINE + 2, start + wide, y + 3)
            inside = self.left < box[0] and box[2] < self.width and self.top <= box[1] and box[3] < self.bottom
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                return Label(round(x, 1), round(y, 1), anchor, text)
        return None


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
