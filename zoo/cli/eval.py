"""``zoo eval``: score finished runs again, by other metrics or under another suite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zoo.cli.arguments import FilePath, Names, device_option, lpips_option, refuse_given, weights_option
from zoo.core.errors import BadInput


@click.command("eval", short_help="Score finished runs again.")
@click.argument("runs", nargs=-1, required=True, type=FilePath())
@click.option(
    "--metrics", type=Names(), metavar="NAMES", help="Score by these metrics: lpips, or several separated by commas."
)
@lpips_option
@click.option("--suite", metavar="NAME", help="Score under another protocol than the run's own.")
@device_option
@weights_option("For the one MODEL named in the place of RUNS", "With --weights")
@click.option("--out", type=FilePath(), help="With --weights: write into this results folder (default: benches/SUITE).")
@click.pass_context
def command(
    ctx: click.Context,
    runs: tuple[Path, ...],
    metrics: list[str] | None,
    lpips_trunk: Path | None,
    suite: str | None,
    device: str,
    weights: Path | None,
    settings: tuple[tuple[str, Any], ...],
    out: Path | None,
) -> None:
    """Score RUNS, folders of finished runs or of a model's runs, without training them again.

    Scores under a run's own suite are written into it, and its leaderboard with them. With --weights a
    registered model stands in the place of RUNS: `zoo eval zhang2017 --weights published` gives it the weights
    that its authors published and a row in the leaderboard of the suite (default: quick).
    """
    if weights is None:
        refuse_given(
            ctx, ("settings", "out"), "is for --weights; a finished run keeps its options and its folder: leave it out"
        )
    else:
        refuse_given(
            ctx, ("metrics",), "is for finished runs; --weights makes one by its suite's metrics: leave it out"
        )
        from zoo.cli.bench import report_failures, run_bench
        from zoo.cli.leaderboard import show

        options = {"suite": suite or "quick", "device": device, "settings": settings, "out": out}
        outcome = run_bench(",".join(map(str, runs)), {**options, "weights": weights, "lpips_trunk": lpips_trunk})
        show(outcome.folder)
        report_failures(ctx, outcome)
    from zoo.cli.tables import print_table
    from zoo.harness.run.evaluate import evaluate

    for folder in runs:
        if not folder.exists():
            raise BadInput(
                f"{str(folder)!r}: there is no such run folder; a model's name needs --weights, a file or `published`."
            )
    found = [run for folder in runs for run in _run_folders(folder)]
    rows = [{"run": str(run), **evaluate(run, metrics, lpips_trunk, suite, device)} for run in found]
    print_table(rows, list(dict.fromkeys(key for row in rows for key in row)))


def _run_folders(folder: Path) -> list[Path]:
    """The folder itself, or the runs in it when it is a model's (``runs/unet``)."""
    if (folder / "run.json").exists():
        return [folder]
    return sorted(path.parent for path in folder.glob("seed*/run.json")) or [folder]
