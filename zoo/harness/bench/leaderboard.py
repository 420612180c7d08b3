"""The CSVs: pure functions of the run folders, so that rebuilding them is byte-identical.

``runs.csv`` has a row a run, whatever became of it. ``leaderboard.csv`` has a row a model: its newest
runs under each protocol, their mean with a confidence interval, and its place among the rows of the
same protocol. Rows of different protocols are never ranked together.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.core.errors import BadInput
from zoo.core.files import write_whole
from zoo.harness.bench.columns import (
    HINTS,
    LEADERBOARD,
    RUN_COLUMNS,
    RUNS,
    Column,
    csv_names,
    level_cells,
    plugin_metric,
    row_cells,
    run_cells,
)
from zoo.harness.bench.hint_rows import HintRow, hint_rows
from zoo.harness.bench.results import Result, read_results
from zoo.harness.bench.standing import Standing, standings
from zoo.harness.bench.store import csv_text

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Board:
    """A results folder, read once: its runs, where its models stand, and their hint curves."""

    folder: Path
    runs: list[Result]

    @classmethod
    def read(cls, folder: Path) -> Board:
        """
        Raises:
            BadInput: no results are there, or a run's file is damaged or of another version.
        """
        runs = read_results(folder)
        if not runs:
            raise BadInput(f"{folder} holds no runs; name a results folder such as results/quick.")
        return cls(folder, runs)

    @cached_property
    def standings(self) -> list[Standing]:
        return standings(self.runs)

    @cached_property
    def hints(self) -> list[HintRow]:
        return list(hint_rows(self.runs))

    @cached_property
    def plugin_metrics(self) -> list[Column]:
        """Metrics that are not ours get columns of their own at the end."""
        names = sorted({metric for run in self.runs for metric in run.scores} - set(RUN_COLUMNS))
        said = {name: higher for run in self.runs for name, higher in run.record.higher_is_better.items()}
        return [plugin_metric(name, higher_is_better=said.get(name)) for name in names]

    def write(self, *, hints: bool = True) -> Path:
        """Write the CSVs anew; the leaderboard's path. ``hints.csv`` only with ``hints``.

        Raises:
            BadInput: scores that cannot be ranked, or nothing can be written.
        """
        runs = (*RUNS, *self.plugin_metrics)
        write_whole(self.folder / "runs.csv", csv_text(csv_names(runs), [run_cells(run, runs) for run in self.runs]))
        if hints:
            levels = [level_cells(row, HINTS) for row in self.hints]
            write_whole(self.folder / "hints.csv", csv_text(csv_names(HINTS), levels))
        columns = (*LEADERBOARD, *self.plugin_metrics)
        rows = [row_cells(row, columns) for standing in self.standings for row in standing.rows]
        path = self.folder / "leaderboard.csv"
        write_whole(path, csv_text(csv_names(columns), rows))
        return path


def rebuild(folder: Path, *, hints: bool = True) -> Path:
    """Write the CSVs anew from the run folders; the leaderboard's path.

    Args:
        hints: ``hints.csv`` too; a bench at work leaves it to the end.

    Raises:
        BadInput: no results are there, a run.json is damaged or of another version, or nothing can be written.
    """
    return Board.read(folder).write(hints=hints)


def leaderboard(folder: str | Path) -> pd.DataFrame:
    """A results folder's leaderboard, best first.

    Args:
        folder: such as ``results/quick``.

    Raises:
        BadInput: there is no leaderboard.
    """
    import pandas as pd

    path = Path(folder) / "leaderboard.csv"
    if not path.is_file():
        raise BadInput(f"{path} does not exist; name a results folder such as results/quick.")
    texts = dict.fromkeys(("model", "status", "error", "notes", "protocol", "zoo", "commit"), str)
    try:
        # index_col: rows longer than the header are damage, not names of rows
        table = pd.read_csv(path, dtype=texts, index_col=False)
        if "model" not in table.columns:
            raise ValueError("it has no column 'model'")
    except (ValueError, OSError) as error:
        reason = " ".join(str(error).split())
        raise BadInput(
            f"{path} cannot be read ({reason}); rebuild it with: zoo leaderboard {folder} --rebuild."
        ) from None
    return table
