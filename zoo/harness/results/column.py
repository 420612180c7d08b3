"""A column of the results: what it is called, means and is written like."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from zoo.harness.results.finished_runs import Result
    from zoo.harness.results.hint_rows import HintRow
    from zoo.harness.results.league import Row


class Span(NamedTuple):
    """A value between two others: a mean in its interval, a rank among those it might have."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Column:
    """One thing that is said of a row.

    Args:
        name: its name in the CSVs.
        title: its heading where people look.
        meaning: what it is, for a person who meets it first.
        decimals: how many are written; None where it is not a number.
        higher_is_better: which end comes first when rows are sorted by it; None where no end is better.
        interval: whether it has a low and a high end, ``<name>_lo`` and ``<name>_hi``.
        interval_meaning: what they say.
        between: what stands between the ends where people read the value with its interval; empty where they do not.
        cost: whether it is what a model costs, to be set against its quality.
        axis: what it is and its unit, where there is room for that: beside a plot, in a text's table.
        shown: 0 where only the CSV has it; 1 in the tables that people look at; 2 in the short ones too.
        of_row: its value (a :class:`Span` with an interval) of a leaderboard's row.
        of_run: its value of one run.
        of_level: its value of one level of a hint sweep.
    """

    name: str
    title: str
    meaning: str
    decimals: int | None = None
    higher_is_better: bool | None = None
    interval: bool = False
    interval_meaning: str = ""
    between: str = ""
    cost: bool = False
    axis: str = ""
    shown: int = 0
    of_row: Callable[[Row], Any] | None = None
    of_run: Callable[[Result], Any] | None = None
    of_level: Callable[[HintRow], Any] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Its columns in a CSV."""
        return (self.name, f"{self.name}_lo", f"{self.name}_hi") if self.interval else (self.name,)

    @property
    def heading(self) -> str:
        """Its heading with the unit."""
        return self.axis or self.title

    def text(self, value: Any) -> str:
        """A value as it is written everywhere; empty for what was not measured."""
        if value is None or value != value:
            return ""
        return str(value) if self.decimals is None else f"{value:.{self.decimals}f}"

    def texts(self, value: Any) -> dict[str, str]:
        """The cells of a value, by the names of :attr:`names`."""
        parts = (value if isinstance(value, Span) else Span(value, None, None)) if self.interval else (value,)
        return dict(zip(self.names, map(self.text, parts), strict=True))

    def read(self, cells: Mapping[str, str]) -> str:
        """What people read of a CSV's row: the cell, and behind it the ends of the interval."""
        text, *ends = (cells.get(name, "") for name in self.names)
        return f"{text} ({self.between.join(ends)})" if self.between and text and all(ends) else text


def csv_names(columns: Iterable[Column]) -> list[str]:
    """The header of a CSV."""
    return [name for column in columns for name in column.names]


def row_cells(row: Row, columns: Sequence[Column]) -> dict[str, str]:
    """A leaderboard row's cells."""
    return _cells((column, column.of_row and column.of_row(row)) for column in columns)


def run_cells(run: Result, columns: Sequence[Column]) -> dict[str, str]:
    """A run's cells."""
    return _cells((column, column.of_run and column.of_run(run)) for column in columns)


def level_cells(row: HintRow, columns: Sequence[Column]) -> dict[str, str]:
    """The cells of a level of a hint sweep."""
    return _cells((column, column.of_level and column.of_level(row)) for column in columns)


def _cells(values: Iterable[tuple[Column, Any]]) -> dict[str, str]:
    return {name: text for column, value in values for name, text in column.texts(value).items()}
