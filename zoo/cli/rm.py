"""``zoo rm``: runs of a bench, removed."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from zoo.cli.arguments import FilePath
from zoo.cli.terminal import echo, plain
from zoo.core.errors import BadInput


@click.command("rm", short_help="Remove runs from a results folder.")
@click.argument("folder", type=FilePath(exists=True))
@click.argument("runs", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(folder: Path, runs: tuple[str, ...], yes: bool) -> None:
    """Remove RUNS from the results FOLDER, and write its tables anew.

    A run is named as the leaderboard names its model (unet, 'unet width=16': all its seeds), or by its folder
    (unet/seed0-1234abcd, with or without what stands before it). Published results are only read.
    """
    from zoo.harness.results.removal import chosen_runs, remove_runs

    found = chosen_runs(folder, runs)
    for run in found:
        echo(run.path)
    if not yes:
        if not sys.stdin.isatty():
            raise BadInput(f"{len(found)} runs would be removed; say --yes to remove them without being asked.")
        if not click.confirm(plain(f"Remove these {len(found)} runs?")):
            echo("nothing is removed")
            return
    remove_runs(folder, found)
    echo(f"removed: {len(found)} run{'s' * (len(found) > 1)}")
