"""``zoo leaderboard``: the table of a results folder, or of several, best first, baselines marked."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.arguments import FilePath, beside_option, format_option
from zoo.cli.terminal import echo, echo_data

if TYPE_CHECKING:
    from zoo.harness.results.finished_runs import Result
    from zoo.harness.results.leaderboard import WrittenRow


@click.command("leaderboard", short_help="Print a results folder's table.")
@click.argument("folders", nargs=-1, required=True, type=FilePath(exists=True), metavar="FOLDER...")
@click.option("--sort", metavar="COLUMN", help="Sort by this column, best first (default: by rank).")
@click.option("--rebuild", "again", is_flag=True, help="Write the CSVs again from the run folders first.")
@beside_option
@format_option("table", "csv", "json", "md")
def command(folders: tuple[Path, ...], sort: str | None, again: bool, beside: tuple[Path, ...], form: str) -> None:
    """Print the leaderboard of a results FOLDER, such as results/quick.

    Of several folders of one protocol it prints one table, ranked anew.
    """
    if again:
        from zoo.harness.results.leaderboard import rebuild

        for folder in folders:
            rebuild(folder)
    show(*folders, sort=sort, form=form, others=beside or None)


def show(*folders: Path, sort: str | None = None, form: str = "table", others: Sequence[Path] | None = None) -> None:
    """Print a leaderboard; ``csv`` and ``json`` have every column, the others those to read, with the ranks of others.

    Every cell is the very one of leaderboard.csv, or of several folders, the one that it would have.

    Raises:
        BadInput: no leaderboard there, several protocols, or an unknown column.
    """
    from zoo.cli.tables import print_json, print_markdown, print_table
    from zoo.core.files import csv_text
    from zoo.harness.results.beside import beside
    from zoo.harness.results.columns import ERROR, MODEL, RANK, SHOWN, STATUS
    from zoo.harness.results.frames import leaderboard, tables

    columns, rows = tables(folders)
    order = list(range(len(rows))) if sort is None else _order(folders, columns, rows, sort)
    rows = [rows[i] for i in order]
    if form == "csv":
        echo_data(csv_text(columns, [row.cells for row in rows]))
        return
    if form == "json":
        plain = leaderboard(folders).to_dict(orient="records")
        print_json([{str(key): value if value != "" else None for key, value in plain[i].items()} for i in order])
        return
    shown = [_for_people(row) for row in rows]
    picked = [column.name for column in SHOWN if any(map(column.read, shown))]
    for column, places in beside(folders[0], others if len(folders) == 1 else others or ()):
        for row, cells in zip(rows, shown, strict=True):
            cells[column.name] = column.read(column.texts(places.get(row.text(MODEL))))
        picked.insert(picked.index(RANK.name) + 1 if RANK.name in picked else 0, column.name)
    if sort is not None and sort not in picked:
        picked.insert(1, sort)
    if form == "md":
        print_markdown(shown, picked)
        return
    print_table(shown, _fitting(shown, picked) if sys.stdout.isatty() else picked, title=", ".join(map(str, folders)))
    for row in rows:
        if row.text(STATUS) != "ok":
            echo(f"{row.text(MODEL)}: {row.text(STATUS)}: {row.text(ERROR) or 'no reason known'}")
    _tell_of_runs(folders)


def _for_people(row: WrittenRow) -> dict[str, str]:
    """A row with its values in their intervals where those are read, and a baseline marked."""
    from zoo.harness.results.columns import MODEL, SHOWN

    shown = {**row.cells, **{column.name: column.read(row.cells) for column in SHOWN}}
    return {**shown, MODEL.name: f"{row.text(MODEL)} (baseline)"} if row.baseline else shown


def _tell_of_runs(folders: Sequence[Path]) -> None:
    """What the table does not hold: which folders were left out, how steady the order is, why rows are apart."""
    from zoo.core.errors import BadInput
    from zoo.harness.results.protocol import protocol_differences
    from zoo.harness.results.several import read_several

    try:
        board = read_several(folders)
    except BadInput:
        return  # a table without its runs is a table all the same
    for sentence in board.runs.left_out:
        echo(f"zoo: {sentence}", err=True)
    echo(f"Photos: {board.leagues[0].runs[0].record.data.told}.")
    if steadiness := board.leagues[0].steadiness:
        echo(steadiness)
    for line in protocol_differences([run.record.protocol for run in board.runs]):
        echo(f"These rows are of different protocols and ranked apart; {line}")


def _order(folders: Sequence[Path], columns: Sequence[str], rows: Sequence[WrittenRow], column: str) -> list[int]:
    """The rows' places, the best by ``column`` first; empty cells last."""
    from zoo.core.errors import BadInput, did_you_mean

    if column not in columns:
        raise BadInput(f"--sort {column!r} is no column; {did_you_mean(column, columns)}")
    descending = _higher_is_better(folders, column)
    cells = [row.cells[column] for row in rows]
    filled = [i for i, cell in enumerate(cells) if cell != ""]
    try:
        numbers = {i: float(cells[i]) for i in filled}
        filled.sort(key=lambda i: -numbers[i] if descending else numbers[i])
    except ValueError:
        filled.sort(key=lambda i: cells[i], reverse=descending)
    return [*filled, *(i for i, cell in enumerate(cells) if cell == "")]


def _higher_is_better(folders: Sequence[Path], name: str) -> bool:
    """As the column says; of a plugin's metric, as the metric said when it was scored."""
    from zoo.core.errors import BadInput
    from zoo.harness.results.columns import LEADERBOARD
    from zoo.harness.results.leaderboard import plugin_columns
    from zoo.harness.results.several import read_several

    for column in LEADERBOARD:
        if name in column.names:
            return bool(column.higher_is_better)
    runs: list[Result] = []
    with contextlib.suppress(BadInput):  # the table alone is enough to sort ours
        runs = read_several(folders).runs
    return bool(plugin_columns([name], runs)[0].higher_is_better)


def _fitting(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> list[str]:
    """As many columns as the terminal is wide: who and how well, those of short tables, then the others."""
    from zoo.cli.tables import cell
    from zoo.harness.results.columns import MODEL, SHOWN, STATUS
    from zoo.harness.results.measured import PSNR

    def width(column: str) -> int:
        return 3 + max(map(len, (column, *(cell(row.get(column)) for row in rows))))

    room = shutil.get_terminal_size().columns - 2
    chosen: set[str] = set()
    first = (MODEL, STATUS, PSNR, *(column for column in SHOWN if column.shown > 1))
    for column in dict.fromkeys((*(each.name for each in first if each.name in columns), *columns)):
        if width(column) <= room:
            room -= width(column)
            chosen.add(column)
    return [column for column in columns if column in chosen]
