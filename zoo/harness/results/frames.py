"""Results as pandas data frames: a row a model, a row a run, a row a photo.

Each frame says the version of its columns in ``frame.attrs["schema"]``; results/README.md tells what they mean.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.harness.results.column import Column, csv_names, run_cells
from zoo.harness.results.columns import IMAGE, LEADERBOARD, RUNS_FRAME, SCHEMA, SCORES_FRAME
from zoo.harness.results.comparison import compare_several
from zoo.harness.results.leaderboard import WrittenRow, read_table
from zoo.harness.results.several import read_several
from zoo.harness.results.versions import compare_versions

if TYPE_CHECKING:
    import pandas as pd

Folders = str | Path | Sequence[str | Path]
"""A results folder, or several that are read as one (:func:`zoo.harness.results.several.read_several`)."""


def tables(folders: Sequence[Path]) -> tuple[list[str], list[WrittenRow]]:
    """The leaderboard of one folder as it is written there, or that of several as it would be.

    Raises:
        BadInput: there is none, it cannot be read, or the folders are of different protocols.
    """
    return read_table(folders[0]) if len(folders) == 1 else read_several(folders).table()


def leaderboard(folder: Folders) -> pd.DataFrame:
    """A results folder's leaderboard, best first, or that of several folders ranked together.

    Args:
        folder: such as ``results/quick``, or a list of folders of one protocol.

    Returns:
        A column a column of ``leaderboard.csv``: numbers where it holds numbers (NaN where nothing was measured),
        else texts as they are written, so that a model called ``null`` keeps its name.

    Raises:
        BadInput: there is no leaderboard, it cannot be read, or the folders are of different protocols.
    """
    columns, rows = tables(_paths(folder))
    return _frame(columns, [row.cells for row in rows], LEADERBOARD)


def runs(folder: Folders) -> pd.DataFrame:
    """Every run of a results folder, or of several: a row a run, whatever became of it.

    Read from the run folders, so that it is current while a bench is at work.

    Returns:
        The columns of ``runs.csv``, then ``shown`` (bool) and ``folder``.

    Raises:
        BadInput: no results are there, or the folders are of different protocols.
    """
    board = read_several(_paths(folder))
    columns = (*RUNS_FRAME, *board.plugin_metrics)
    found = _frame(csv_names(columns), [run_cells(run, columns) for run in board.runs], columns)
    return _told(found.assign(shown=[run.shown for run in board.runs]))


def scores(folder: Folders) -> pd.DataFrame:
    """The scores behind the tables: a row a photo of every run that was scored.

    Returns:
        Whose they are (``model``, ``seed``, ``key``, ``recipe``, ``suite``, ``protocol``, ``shown``, ``folder``), the
        ``image``, and a column a metric, NaN where that photo has no value of it.

    Raises:
        BadInput: no results are there, or the folders are of different protocols.
    """
    import pandas as pd

    parts = []
    for run in read_several(_paths(folder)).runs:
        if run.ok:
            whose: dict[str, Any] = run_cells(run, [column for column in SCORES_FRAME if column is not IMAGE])
            whose |= {"seed": run.record.seed, "shown": run.shown}
            parts.append(pd.DataFrame({**whose, IMAGE.name: run.names, **run.scores}))
    columns = csv_names(SCORES_FRAME)
    return _told(pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns))


def compare(
    *models: str, folder: str | Path = "benches/quick", results: tuple[str | Path, str | Path] | None = None
) -> pd.DataFrame:
    """Models against each other, or with ``results`` each with itself in another results folder, paired by photo.

    Args:
        models: two or more labels of ``folder``, or folders of runs; with ``results`` those to compare, default all.
        results: two folders of one protocol, before and after.

    Returns:
        A row a pair of models and metric: ``a``, ``b``, ``metric``, both means as ``mean_a`` and ``mean_b``,
        ``difference`` (a - b) with its interval ``low`` and ``high``, ``p_value``, and ``better``, empty where they
        cannot be told apart. With ``results`` a row a model and metric, the fields of
        :class:`zoo.harness.results.versions.Change`.

    Raises:
        UnknownName, BadInput: as :func:`zoo.harness.results.comparison.compare_several` and
            :func:`zoo.harness.results.versions.compare_versions`.
    """
    import msgspec
    import pandas as pd

    if results is not None:
        before, after = map(Path, results)
        return _told(pd.DataFrame(msgspec.to_builtins(compare_versions(before, after, models).changes)))
    rows = []
    for pair in compare_several(models, Path(folder)):
        for each in pair.differences:
            fields = msgspec.to_builtins(each)
            means = {"mean_a": fields.pop("a"), "mean_b": fields.pop("b")}
            rows.append({"a": pair.a, "b": pair.b, "metric": fields.pop("metric"), **means, **fields})
    return _told(pd.DataFrame(rows))


def _paths(folder: Folders) -> list[Path]:
    return [Path(folder)] if isinstance(folder, str | Path) else [Path(each) for each in folder]


def _frame(names: Sequence[str], rows: Sequence[dict[str, str]], columns: Iterable[Column]) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame(list(rows), columns=list(names), dtype=object)
    texts = {name for column in columns if column.decimals is None for name in column.names}
    for name in names:
        if name not in texts:
            with contextlib.suppress(ValueError):  # a column of nobody's that holds texts stays as it is
                table[name] = pd.to_numeric(table[name].replace("", None))
    return _told(table)


def _told(frame: pd.DataFrame) -> pd.DataFrame:
    frame.attrs["schema"] = SCHEMA
    return frame
