"""``zoo eval``: score finished runs again, by other metrics or under another suite."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.arguments import FilePath, Names, device_option, lpips_option


@click.command("eval", short_help="Score finished runs again.")
@click.argument("runs", nargs=-1, required=True, type=FilePath(exists=True))
@click.option("--metrics", type=Names(), metavar="NAMES", help="lpips, or several separated by commas.")
@lpips_option
@click.option("--suite", metavar="NAME", help="Score under another protocol than the run's own.")
@device_option
def command(
    runs: tuple[Path, ...], metrics: list[str] | None, lpips_trunk: Path | None, suite: str | None, device: str
) -> None:
    """Score RUNS, folders of finished runs or of a model's runs, without training them again.

    Scores under a run's own suite are written into it, and its leaderboard with them.
    """
    from zoo.cli.tables import print_table
    from zoo.harness.bench.evaluate import evaluate

    found = [run for folder in runs for run in _run_folders(folder)]
    rows = [{"run": str(run), **evaluate(run, metrics, lpips_trunk, suite, device)} for run in found]
    print_table(rows, list(dict.fromkeys(key for row in rows for key in row)))


def _run_folders(folder: Path) -> list[Path]:
    """The folder itself, or the runs in it when it is a model's (``runs/unet``)."""
    if (folder / "run.json").exists():
        return [folder]
    return sorted(path.parent for path in folder.glob("seed*/run.json")) or [folder]
