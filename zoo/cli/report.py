"""``zoo report``: a results folder as one page to look at."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.arguments import FilePath, beside_option
from zoo.cli.terminal import echo, echo_data


@click.command("report", short_help="Write a results folder's report.html.")
@click.argument("folder", type=FilePath(exists=True))
@click.option(
    "-o", "--output", metavar="FILE", type=FilePath(), help="Write it into this file [default: FOLDER/report.html]."
)
@beside_option
def command(folder: Path, output: Path | None, beside: tuple[Path, ...]) -> None:
    """Write the report of a results FOLDER, such as results/quick.

    It is one HTML file that holds its plots and pictures and needs no network: leaderboard, quality against cost,
    PSNR against hints, training curves, and a gallery. The folder's CSVs are written again as well.
    """
    from zoo.harness.results.report import write_report

    board = write_report(folder, output, others=beside or None)
    for sentence in board.runs.left_out:
        echo(f"zoo: {sentence}", err=True)
    echo_data(f"{output or folder / 'report.html'}\n")
