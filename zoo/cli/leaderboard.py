"""``zoo leaderboard``: a results folder's table, best first, baselines marked."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.arguments import FilePath, format_option
from zoo.cli.terminal import echo, echo_data

if TYPE_CHECKING:
    import pandas as pd

_QUALITY = ("rank", "model", "psnr", "ssim", "lpips", "st_lpips", "delta_e00", "colorfulness_gap")
_COLUMNS = (*_QUALITY, "params_m", "gflops", "train_img_s", "infer_ms", "train_s", "seeds", "status")
_FIRST = ("model", "status", "psnr", "ssim", "delta_e00", "rank", "lpips", "st_lpips", "params_m", "infer_ms")
"""What is shown first where a terminal is too narrow for all."""
_HIGHER_IS_BETTER = frozenset({"psnr", "ssim", "train_img_s", "seeds", "images", "date"})


@click.command("leaderboard", short_help="Print a results folder's table.")
@click.argument("folder", type=FilePath(exists=True))
@click.option("--sort", metavar="COLUMN", help="Best first by this column (default: by rank).")
@click.option("--rebuild", "again", is_flag=True, help="Write the CSVs anew from the run folders first.")
@format_option("table", "csv", "json", "md")
def command(folder: Path, sort: str | None, again: bool, form: str) -> None:
    """Print the leaderboard of a results FOLDER, such as results/quick."""
    if again:
        from zoo.harness.bench.leaderboard import rebuild

        rebuild(folder)
    show(folder, sort=sort, form=form)


def show(folder: Path, *, sort: str | None = None, form: str = "table") -> None:
    """Print a leaderboard; ``csv`` and ``json`` have every column, the others the ones to read.

    Raises:
        BadInput: no leaderboard there, or an unknown column.
    """
    from zoo.cli.tables import print_json, print_markdown, print_table
    from zoo.harness.bench.leaderboard import leaderboard

    table = leaderboard(folder)
    if sort is not None:
        table = _sorted(table, sort)
    rows: list[dict[str, Any]] = [
        {str(key): None if value != value else value for key, value in row.items()}
        for row in table.to_dict(orient="records")
    ]
    if form == "csv":
        echo_data(table.to_csv(index=False, lineterminator="\n"))
        return
    if form == "json":
        print_json(rows)
        return
    shown = [{**row, "model": f"{row['model']} (baseline)" if _is_baseline(row) else row["model"]} for row in rows]
    columns = [c for c in _COLUMNS if any(row.get(c) not in (None, "") for row in rows)]
    if sort is not None and sort not in columns:
        columns.insert(1, sort)
    if form == "md":
        print_markdown(shown, columns)
        return
    print_table(shown, _fitting(shown, columns) if sys.stdout.isatty() else columns, title=str(folder))
    for row in rows:
        if row.get("status") != "ok":
            echo(f"{row['model']}: {row.get('status')}: {row.get('error') or 'no reason known'}")
    if len({row.get("protocol") for row in rows}) > 1:
        _tell_protocols_apart(folder)


def _tell_protocols_apart(folder: Path) -> None:
    """Say why rows are ranked apart."""
    from zoo.harness.bench.compare import protocol_differences
    from zoo.harness.bench.results import read_results

    for line in protocol_differences([run.record.protocol for run in read_results(folder)]):
        echo(f"These rows are of different protocols and ranked apart; {line}")


def _sorted(table: pd.DataFrame, column: str) -> pd.DataFrame:
    from zoo.core.errors import BadInput, did_you_mean

    if column not in table.columns:
        raise BadInput(f"--sort {column!r} is no column; {did_you_mean(column, map(str, table.columns))}")
    return table.sort_values(column, ascending=column not in _HIGHER_IS_BETTER, kind="stable", na_position="last")


def _is_baseline(row: dict[str, Any]) -> bool:
    return str(row.get("notes") or "").startswith("baseline")


def _fitting(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> list[str]:
    """As many columns as the terminal is wide, the important ones before the others."""
    from zoo.cli.tables import cell

    def width(column: str) -> int:
        return 3 + max(map(len, (column, *(cell(row.get(column)) for row in rows))))

    room = shutil.get_terminal_size().columns - 2
    chosen: set[str] = set()
    for column in dict.fromkeys((*(c for c in _FIRST if c in columns), *columns)):
        if width(column) <= room:
            room -= width(column)
            chosen.add(column)
    return [column for column in columns if column in chosen]
