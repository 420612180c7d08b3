"""Plots as plain geometry; ``templates/plot.svg`` draws them.

Not matplotlib's: its SVGs know nothing of the page's colours, dark or light, and of its pointer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from zoo.harness.results.report.scales import Scale, shown

_CHARACTER, _LINE = 7.2, 14.0
"""About how large a label's letters are drawn."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


@dataclass(frozen=True)
class Shape:
    """A drawing's size and margins, in pixels. With ``ends`` names stand in the right margin, beside lines' ends."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    ends: bool = False


LARGE = Shape(960, 480, 58, 18, 14, 50)
SMALL = Shape(580, 300, 58, 214, 14, 50, ends=True)


@dataclass(frozen=True)
class Point:
    """A value, with its interval where it has one; drawn, in pixels."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Series:
    """A model's points: a line through them, or a mark at each.

    ``model`` is its place in the leaderboard; ``style`` the colour, dash and mark it is drawn with, grey for None.
    """

    model: int
    title: str
    points: Sequence[Point]
    line: bool = True
    hollow: bool = False
    label: str = ""
    style: int | None = None


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
    marks: list[Point]
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
    shape: Shape = LARGE

    @property
    def right(self) -> float:
        return self.shape.width - self.shape.right

    @property
    def bottom(self) -> float:
        return self.shape.height - self.shape.bottom

    @property
    def x_ticks(self) -> list[tuple[float, str]]:
        """Those whose texts do not run into each other."""
        kept: list[tuple[float, str]] = []
        for x, text in ((self._x(tick), shown(tick)) for tick in self.x.ticks):
            if not kept or x - kept[-1][0] > _CHARACTER * (len(text) + len(kept[-1][1])) / 2 + 6:
                kept.append((x, text))
        return kept

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

    @cached_property
    def drawn(self) -> list[Drawn]:
        """Every series in pixels, labels placed where there is room for them."""
        marks = [[self._mark(point) for point in series.points] for series in self.series]
        labels = self._end_labels(marks) if self.shape.ends else self._labels(marks)
        return [
            Drawn(
                series,
                "M" + "L".join(f"{mark.x},{mark.y}" for mark in found) if series.line and found else "",
                found,
                label,
            )
            for series, found, label in zip(self.series, marks, labels, strict=True)
        ]

    def _x(self, value: float) -> float:
        return round(self.shape.left + self.x.along(value) * (self.right - self.shape.left), 1)

    def _y(self, value: float) -> float:
        return round(self.bottom - self.y.along(value) * (self.bottom - self.shape.top), 1)

    def _mark(self, point: Point) -> Point:
        bars = point.low is not None and point.high is not None
        low, high = (self._y(point.low or 0.0), self._y(point.high or 0.0)) if bars else (None, None)
        return Point(self._x(point.x), self._y(point.y), low, high)

    def _end_labels(self, marks: Sequence[Sequence[Point]]) -> list[Label | None]:
        """Beside the ends of the lines in the right margin, moved apart where they are close."""
        order = sorted((i for i, found in enumerate(marks) if found), key=lambda i: marks[i][-1].y)
        heights: list[float] = []
        for i in order:
            heights.append(max(marks[i][-1].y, heights[-1] + _LINE if heights else 0.0))
        over = max(0.0, heights[-1] - self.bottom) if heights else 0.0
        placed: dict[int, float] = {}
        limit = float("inf")
        for i, y in zip(reversed(order), reversed(heights), strict=True):
            placed[i] = limit = min(y - (over if y + over > self.bottom else 0.0), limit - _LINE)
        fits = int((self.shape.right - 26) / _CHARACTER)
        return [
            Label(round(self.right + 24, 1), round(placed[i] + 4, 1), "start", _cut(self.series[i].label, fits))
            if i in placed and self.series[i].label
            else None
            for i in range(len(marks))
        ]

    def _labels(self, marks: Sequence[Sequence[Point]]) -> list[Label | None]:
        """Right, left, above or below a series' last point; None where all of these are taken.

        A name stands on nothing drawn: no point, no error bar, not the front.
        """
        taken: list[Box] = []
        for mark in (mark for found in marks for mark in found):
            taken.append((mark.x - 5, mark.y - 5, mark.x + 5, mark.y + 5))
            if mark.low is not None and mark.high is not None:
                taken.append((mark.x - 1, mark.high, mark.x + 1, mark.low))
        corners = [(self._x(point.x), self._y(point.y)) for point in self.front]
        for (x, y), (next_x, next_y) in pairwise(corners):
            taken.append((min(x, next_x), y - 1, max(x, next_x), y + 1))
            taken.append((next_x - 1, min(y, next_y), next_x + 1, max(y, next_y)))
        return [
            self._label(series.label, found[-1], taken) if series.label and found else None
            for series, found in zip(self.series, marks, strict=True)
        ]

    def _label(self, text: str, mark: Point, taken: list[Box]) -> Label | None:
        wide = _CHARACTER * len(text)
        ends = (mark.y if mark.low is None else mark.low, mark.y if mark.high is None else mark.high)
        choices = (
            (mark.x + 8, mark.y + 4, "start", mark.x + 8),
            (mark.x - 8, mark.y + 4, "end", mark.x - 8 - wide),
            (mark.x + 8, mark.y - 9, "start", mark.x + 8),
            (mark.x + 8, mark.y + 17, "start", mark.x + 8),
            (mark.x - 8, mark.y - 9, "end", mark.x - 8 - wide),
            (mark.x - 8, mark.y + 17, "end", mark.x - 8 - wide),
            (mark.x, min(ends) - 7, "middle", mark.x - wide / 2),
            (mark.x, max(ends) + 15, "middle", mark.x - wide / 2),
        )
        for x, y, anchor, start in choices:
            box = (start, y - _LINE + 2, start + wide, y + 3)
            inside = self.shape.left < box[0] and box[2] < self.shape.width
            inside = inside and self.shape.top <= box[1] and box[3] < self.bottom
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                return Label(round(x, 1), round(y, 1), anchor, text)
        return None


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
