"""The leaderboard as a table of cells: text, what to sort by, and where an interval lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoo.harness.results.column import Column, Span
from zoo.harness.results.columns import RANK, SEEDS, SHOWN, STATUS
from zoo.harness.results.league import Kind, League, Row


@dataclass(frozen=True)
class Bar:
    """An interval drawn in its cell: per cent of the cell's width."""

    start: float
    width: float
    mean: float


@dataclass(frozen=True)
class Cell:
    """``sort`` is empty where there is nothing to sort by: such cells always come last."""

    text: str
    sort: str
    numeric: bool
    hover: str = ""
    bar: Bar | None = None


@dataclass(frozen=True)
class TableRow:
    """A row's cells, and its badges: ``baseline``, ``tied with best``."""

    place: int
    kind: Kind
    cells: list[Cell]
    badges: list[str]
    failed: bool


@dataclass(frozen=True)
class Table:
    """Columns that hold anything, rows best first, and what the ``notes`` say of which models."""

    columns: list[Column]
    rows: list[TableRow]
    notes: list[tuple[str, str]]
    steadiness: str


def leaderboard_table(league: League, plugin_metrics: Sequence[Column] = (), beside: Sequence[Column] = ()) -> Table:
    """A league's table; columns nothing was measured of are left out.

    The notes and failures stand below it, the provenance above.

    Args:
        beside: ranks of other folders, which stand by its own.
    """
    every = (RANK, *beside, *(column for column in SHOWN if column is not RANK), *plugin_metrics)
    values = {column.name: [_span(column, row) for row in league.rows] for column in every}
    columns = [column for column in every if _tells(column, values[column.name])]
    tied = sum(row.tied_with_best for row in league.rows) > 1
    scales = {column.name: _scale(values[column.name]) for column in columns}
    return Table(
        columns,
        [
            TableRow(
                place,
                row.kind,
                [_cell(values[column.name][place], column, scales[column.name]) for column in columns],
                _badges(row, tied),
                not row.ok,
            )
            for place, row in enumerate(league.rows)
        ],
        _shared_notes(league.rows),
        league.steadiness,
    )


def failures(league: League) -> list[tuple[str, int, str, str]]:
    """(model, seed, status, reason) of every run that came to no score."""
    failed = [run for run in league.runs if not run.ok]
    return sorted((run.record.label, run.record.seed, run.status, run.error or "no reason is known") for run in failed)


def _tells(column: Column, values: Sequence[Span]) -> bool:
    """Whether anything was measured; seeds and status that are the same of all rows are said above the table."""
    texts = {column.text(value.value) for value in values}
    if column in (SEEDS, STATUS):
        return len(texts) > 1 or (column is STATUS and texts != {"ok"})
    return texts != {""}


def _badges(row: Row, tied: bool) -> list[str]:
    """The best is always tied with itself; that is only worth saying when there are ``tied`` others."""
    return [
        *(["baseline"] if row.baseline else []),
        *(["tied with best"] if tied and row.tied_with_best else []),
    ]


def _shared_notes(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Each note once, with the models it is about."""
    about: dict[str, list[str]] = {}
    every = [row.label for row in rows if row.finished and not row.kind.of_draws]
    for row in rows:
        for note in row.notes:
            about.setdefault(note, []).append(row.label)
    return [(note, _whom(labels, every)) for note, labels in about.items()]


def _whom(labels: Sequence[str], every: Sequence[str]) -> str:
    """In words, the shorter way: some, all, or all but some."""
    others = [label for label in every if label not in labels]
    if len(every) > 1 and not others:
        return "all models"
    return ", ".join(labels) if len(labels) <= len(others) + 1 else f"all but {', '.join(others)}"


def _span(column: Column, row: Row) -> Span:
    value = column.of_row and column.of_row(row)
    return value if isinstance(value, Span) else Span(value, None, None)


def _scale(values: Sequence[Span]) -> tuple[float, float] | None:
    """From the lowest to the highest end of a column's intervals."""
    ends = [end for value in values for end in (value.low, value.high) if end is not None and end == end]
    return (min(ends), max(ends)) if ends and min(ends) < max(ends) else None


def _cell(value: Span, column: Column, scale: tuple[float, float] | None) -> Cell:
    shown = column.text(value.value)
    if column.decimals is None:
        return Cell(shown, shown, False)
    if value.value is None or not shown:
        return Cell("–", "", True)
    low, high = column.text(value.low), column.text(value.high)
    if value.low is None or value.high is None or not low or not high:
        return Cell(shown, shown, True)
    if scale is None or column.between == RANK.between:
        return Cell(shown if low == high else f"{shown} ({low}–{high})", shown, True)
    factor = 100 / (scale[1] - scale[0])
    bar = Bar(
        round((value.low - scale[0]) * factor, 1),
        round((value.high - value.low) * factor, 1),
        round((value.value - scale[0]) * factor, 1),
    )
    return Cell(shown, shown, True, f"95 % interval {low} to {high}", bar)
