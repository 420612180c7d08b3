"""``zoo score``: the zoo's rulers on images that anybody's method made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.arguments import FilePath, Names, format_option

if TYPE_CHECKING:
    import pandas as pd


@click.command("score", short_help="Score images that any method made.")
@click.argument("predictions", type=FilePath(exists=True))
@click.argument("targets", type=FilePath(exists=True))
@click.option("--metrics", type=Names(), metavar="NAMES", help="psnr,ssim,…; default: all that can be had here.")
@format_option("table", "csv", "json")
def command(predictions: Path, targets: Path, metrics: list[str] | None, form: str) -> None:
    """Score PREDICTIONS against TARGETS: two images, or two folders with the same file names.

    A row an image; the table ends with the mean.
    """
    from zoo.cli.tables import print_json, print_table

    table = _scored(predictions, targets, metrics)
    if form == "csv":
        click.echo(table.to_csv(index=False, lineterminator="\n"), nl=False)
        return
    rows: list[dict[str, Any]] = [{str(k): v for k, v in row.items()} for row in table.to_dict(orient="records")]
    if form == "json":
        print_json(rows)
        return
    if len(rows) > 1:
        means = table.drop(columns="image").mean()
        rows.append({"image": f"mean of {len(rows)}", **{str(k): float(v) for k, v in means.items()}})
    print_table(rows, [str(column) for column in table.columns])


def _scored(predictions: Path, targets: Path, metrics: list[str] | None) -> pd.DataFrame:
    from zoo.core.errors import BadInput
    from zoo.harness.metrics.score import score, score_folders

    if predictions.is_dir() != targets.is_dir():
        raise BadInput(f"{predictions} and {targets} are a folder and a file; give two of one kind.")
    if predictions.is_dir():
        return score_folders(predictions, targets, metrics)
    import pandas as pd

    from zoo.core.photo import read_photo

    return pd.DataFrame([{"image": predictions.name, **score(read_photo(predictions), read_photo(targets), metrics)}])
