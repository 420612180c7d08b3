"""``zoo eval``: score finished runs again, by other metrics or under another suite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zoo.cli.arguments import FilePath, Names, device_option, lpips_option, refuse_given, weights_option
from zoo.cli.terminal import echo
from zoo.core.errors import BadInput
from zoo.core.spec import SHIPPED


@click.command("eval", short_help="Score finished runs again.")
@click.argument("runs", nargs=-1, required=True, type=FilePath())
@click.option(
    "--metrics", type=Names(), metavar="NAMES", help="Score by these metrics: lpips, or several separated by commas."
)
@lpips_option
@click.option("--suite", metavar="NAME", help="Score under another protocol than the run's own.")
@click.option("--data", metavar="SOURCE", help="Take this source of photos, where the suite trains nothing.")
@device_option
@weights_option("For the one MODEL named in the place of RUNS", "With --weights")
@click.option("--out", type=FilePath(), help="For new rows: write into this results folder (default: benches/SUITE).")
@click.pass_context
def command(
    ctx: click.Context,
    runs: tuple[Path, ...],
    metrics: list[str] | None,
    lpips_trunk: Path | None,
    suite: str | None,
    data: str | None,
    device: str,
    weights: Path | None,
    settings: tuple[tuple[str, Any], ...],
    out: Path | None,
) -> None:
    """Score RUNS, folders of finished runs or of a model's runs, or `shipped`, without training them again.

    Scores under a run's own suite are written into it, and its leaderboard with them. Under a suite that trains
    nothing (clicks, gachon256, ntire2019, old_photos) each run is a row of that suite's leaderboard, beside the models
    that need no training. With --weights a registered model stands in the place of RUNS: `zoo eval zhang2017 --weights
    published` gives it the weights that its authors published and a row in the leaderboard of the suite (default:
    quick).
    """
    from zoo.harness.plan.suite import load_suite

    new_rows = weights is not None or (suite is not None and not load_suite(suite).trains)
    if weights is None:
        refuse_given(ctx, ("settings",), "is for --weights; a finished run keeps its options: leave it out")
    if new_rows:
        refuse_given(ctx, ("metrics",), "is for a run's own suite; a new row is of its suite's metrics: leave it out")
    else:
        refuse_given(
            ctx,
            ("out", "data"),
            "is for new rows, and these runs are scored where they are: leave it out, "
            "or name a --suite that trains nothing",
        )
    if weights is None:
        runs = tuple(_run_named(run) for run in runs)
    if new_rows:
        from zoo.cli.bench import report_failures, run_bench
        from zoo.cli.leaderboard import show

        rescored = () if weights else tuple(run for folder in runs for run in _run_folders(folder))
        options = {"suite": suite or "quick", "data": data, "device": device, "settings": settings, "out": out}
        given = {"weights": weights, "lpips_trunk": lpips_trunk, "rescored": rescored}
        outcome = run_bench(",".join(map(str, runs)), {**options, **given})
        show(outcome.folder)
        report_failures(ctx, outcome)
    from zoo.cli.tables import print_table
    from zoo.harness.results.run_record import MAY_HAVE_SEEN
    from zoo.harness.results.store import RunFolder
    from zoo.harness.run.evaluate import evaluate

    found = [run for folder in runs for run in _run_folders(folder)]
    rows = [{"run": str(run), **evaluate(run, metrics, lpips_trunk, suite, device)} for run in found]
    print_table(rows, list(dict.fromkeys(key for row in rows for key in row)))
    if suite is None:
        return
    where = Path("evaluations", load_suite(suite).name)
    for run in found:
        record = RunFolder(run / where).record()
        for note in record.notes if record else ():
            if note.startswith(MAY_HAVE_SEEN):
                echo(f"zoo: {run}: {note}.", err=True)


def _run_named(run: Path) -> Path:
    """The folder that is meant, which is there; the zoo's own colorizer has a name."""
    if run.exists():
        return run
    if str(run) == SHIPPED:
        from zoo.core.trained import shipped_folder

        return shipped_folder()
    raise BadInput(f"{str(run)!r}: there is no such run folder; a model's name needs --weights, a file or `published`.")


def _run_folders(folder: Path) -> list[Path]:
    """The folder itself, or the runs in it when it is a model's (``runs/unet``)."""
    if (folder / "run.json").exists():
        return [folder]
    return sorted(path.parent for path in folder.glob("seed*/run.json")) or [folder]
