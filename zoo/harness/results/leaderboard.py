"""The CSVs: pure functions of the run folders, so that rebuilding them is byte-identical.

``runs.csv`` has a row a run, whatever became of it. ``leaderboard.csv`` has a row a model: its newest
runs under each protocol, their mean with a confidence interval, and its place among the rows of the
same protocol. Rows of different protocols are never ranked together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from zoo.core.errors import BadInput, ZooError
from zoo.core.files import csv_text, read_csv, write_whole
from zoo.core.registry import current
from zoo.harness.results.column import Column, csv_names, level_cells, row_cells, run_cells
from zoo.harness.results.columns import HINTS, KIND, LEADERBOARD, LEADERBOARD_COLUMNS, MODEL, NOTES, RUN_COLUMNS, RUNS
from zoo.harness.results.finished_runs import Result, Results, read_results
from zoo.harness.results.hint_rows import HintRow, hint_rows
from zoo.harness.results.league import Kind, League, leagues
from zoo.harness.results.measured import plugin_metric


class Board:
    """A results folder, read once: its runs, where its models stand, and their hint curves."""

    def __init__(self, folder: Path, runs: Results):
        self.folder = folder
        self.runs = runs

    @classmethod
    def read(cls, folder: Path, before: Board | None = None) -> Board:
        """
        Args:
            before: the folder as it was read before; what has not changed since is not read again.

        Raises:
            BadInput: no results are there, or none of them can be read.
        """
        runs = read_results(folder, {run.folder.path: run for run in before.runs} if before else None)
        if not runs:
            raise BadInput(f"{folder} holds no runs; name a results folder such as results/quick.")
        return cls(folder, runs)

    @cached_property
    def leagues(self) -> list[League]:
        return leagues(self.runs)

    @cached_property
    def hint_rows(self) -> list[HintRow]:
        return list(hint_rows(self.runs, self.runs.left_out))

    @cached_property
    def plugin_metrics(self) -> list[Column]:
        """Metrics that are not ours get columns of their own at the end."""
        names = sorted({metric for run in self.runs for metric in run.scores} - {*RUN_COLUMNS, *LEADERBOARD_COLUMNS})
        return plugin_columns(names, self.runs)

    def write(self, *, sweeps: bool = True) -> Path:
        """Write the CSVs anew; the leaderboard's path. ``hints.csv`` only with ``sweeps``.

        Raises:
            BadInput: nothing can be written.
        """
        runs = (*RUNS, *self.plugin_metrics)
        write_whole(self.folder / "runs.csv", csv_text(csv_names(runs), [run_cells(run, runs) for run in self.runs]))
        if sweeps:
            levels = [level_cells(row, HINTS) for row in self.hint_rows]
            write_whole(self.folder / "hints.csv", csv_text(csv_names(HINTS), levels))
        columns, rows = self.table()
        path = self.folder / "leaderboard.csv"
        write_whole(path, csv_text(columns, [row.cells for row in rows]))
        return path

    def table(self) -> tuple[list[str], list[WrittenRow]]:
        """The columns and the rows of ``leaderboard.csv``, as :func:`read_table` reads them."""
        columns = (*LEADERBOARD, *self.plugin_metrics)
        rows = [WrittenRow(row_cells(row, columns)) for league in self.leagues for row in league.rows]
        return csv_names(columns), rows


def rebuild(folder: Path, *, sweeps: bool = True) -> Path:
    """Write the CSVs anew from the run folders; the leaderboard's path.

    Args:
        sweeps: ``hints.csv`` too; a bench at work leaves it to the end.

    Raises:
        BadInput: no results are there, none of them can be read, or nothing can be written.
    """
    return Board.read(folder).write(sweeps=sweeps)


def plugin_columns(names: Iterable[str], runs: Iterable[Result]) -> list[Column]:
    """Columns of metrics that are not ours; which end is the better one is what the metric said of itself.

    Older records say nothing of it; then the metric is asked, where it is installed.
    """
    said = {name: higher for run in runs for name, higher in run.record.higher_is_better.items()}
    return [plugin_metric(name, higher_is_better=said[name] if name in said else _own_word(name)) for name in names]


def _own_word(metric: str) -> bool | None:
    try:
        return bool(current().load("metrics", metric).higher_is_better)
    except (ZooError, AttributeError):
        return None


@dataclass(frozen=True)
class WrittenRow:
    """A row of ``leaderboard.csv``, every cell as it is written there."""

    cells: dict[str, str]

    def text(self, column: Column) -> str:
        """Empty too where the file has no such column."""
        return self.cells.get(column.name, "")

    @property
    def baseline(self) -> bool:
        """An older zoo said it in the notes alone."""
        said = self.text(KIND) or self.text(NOTES).split("; ")[0]
        return said == Kind.BASELINE.value


def read_table(folder: Path) -> tuple[list[str], list[WrittenRow]]:
    """``leaderboard.csv``: its columns, and its rows best first.

    Raises:
        BadInput: there is no leaderboard, or it cannot be read.
    """
    path = folder / "leaderboard.csv"
    if not path.is_file():
        raise BadInput(f"{path} does not exist; name a results folder such as results/quick.")
    try:
        columns, rows = read_csv(path)
        if MODEL.name not in columns:
            raise ValueError(f"it has no column {MODEL.name!r}")
    except (ValueError, OSError) as error:
        reason = " ".join(str(error).split())
        raise BadInput(
            f"{path} cannot be read ({reason}); rebuild it with: zoo leaderboard {folder} --rebuild."
        ) from None
    return columns, [WrittenRow(row) for row in rows]
