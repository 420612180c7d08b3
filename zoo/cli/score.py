"""``zoo score``: the zoo's rulers on images that anybody's method made."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.arguments import STANDARD, FilePath, Names, format_option, refuse_given
from zoo.cli.terminal import echo, echo_data

if TYPE_CHECKING:
    import pandas as pd

    from zoo.harness.metrics.score import FolderScores


@click.command("score", short_help="Score images that any method made.")
@click.argument("predictions", type=FilePath(exists=True, dash=True))
@click.argument("targets", type=FilePath(exists=True, dash=True))
@click.option(
    "--metrics",
    type=Names(),
    metavar="NAMES",
    help="Score by these metrics, psnr,ssim,… (default: all that can be had here).",
)
@format_option("table", "csv", "json")
@click.pass_context
def command(ctx: click.Context, predictions: Path, targets: Path, metrics: list[str] | None, form: str) -> None:
    """Score PREDICTIONS against TARGETS: two images, or two folders with the same file names.

    Two films, MADE.mp4 FILM.mp4: how much the colours of each flicker from frame to frame; motion is sought in the
    second one's lightness.

    A row an image; the table ends with the mean, which is empty where an image has no value. As in the bench,
    monochrome targets are left out and counted. Results of `zoo colorize` find their photos by their names, also in
    the photos' own folder. One of two images may be - for standard input.

    Exit code 1 when some images could not be scored, 2 when none could.
    """
    from zoo.cli.tables import cell, print_json
    from zoo.core.files import csv_text
    from zoo.core.film import is_film

    if is_film(predictions) and is_film(targets):
        refuse_given(ctx, ("metrics",), "is for images, and these are films")
        return _flicker(predictions, targets, form)
    table, remarks, failures = _scored(predictions, targets, metrics)
    for remark in (*remarks, *failures):
        echo(f"zoo: {cell(remark)}", err=True)
    rows: list[dict[str, Any]] = [{str(k): v for k, v in row.items()} for row in table.to_dict(orient="records")]
    if form == "csv":
        measured = [{key: value for key, value in row.items() if value == value} for row in rows]
        echo_data(csv_text(list(map(str, table.columns)), measured))
    elif form == "json":
        print_json(rows)
    else:
        _print(table, rows)
    ctx.exit(1 if failures else 0)


def _flicker(made: Path, film: Path, form: str) -> None:
    from zoo.cli.tables import print_json, print_table
    from zoo.core.files import csv_text
    from zoo.harness.metrics.flicker import Flicker, flicker

    rows = [each._asdict() for each in flicker([made, film], film)]
    if form == "json":
        print_json(rows)
    elif form == "csv":
        echo_data(csv_text(Flicker._fields, rows))
    else:
        print_table(rows, list(Flicker._fields))


def _print(table: pd.DataFrame, rows: list[dict[str, Any]]) -> None:
    """The rows, and their means."""
    from zoo.cli.tables import print_table
    from zoo.harness.metrics.exact import mean_of_all

    if len(rows) > 1:
        means = {name: mean_of_all(name, table[name].tolist()) for name in map(str, table.columns) if name != "image"}
        rows.append({"image": f"mean of {len(rows)}", **{name: mean.value for name, mean in means.items()}})
        for mean in filter(lambda mean: mean.note, means.values()):
            echo(f"zoo: {mean.note}.", err=True)
    print_table(rows, [str(column) for column in table.columns])


def _scored(predictions: Path, targets: Path, metrics: list[str] | None) -> FolderScores:
    from zoo.cli.photo_progress import watched
    from zoo.core.errors import BadInput
    from zoo.harness.metrics.score import compare_files, compare_folders

    if STANDARD in (predictions, targets):
        if predictions == targets or predictions.is_dir() or targets.is_dir():
            raise BadInput("Standard input is one image; give the other as a file.")
        read = [sys.stdin.buffer.read() if file == STANDARD else file for file in (predictions, targets)]
        return compare_files(read[0], read[1], metrics)
    if predictions.is_dir() != targets.is_dir():
        raise BadInput(f"{predictions} and {targets} are a folder and a file; give two of one kind.")
    if predictions.is_dir():
        return compare_folders(predictions, targets, metrics, watch=lambda pairs: watched(pairs, len(pairs)))
    return compare_files(predictions, targets, metrics)
