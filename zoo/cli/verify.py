"""``zoo verify``: a stranger's runs, pictures or weights, scored here and marked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zoo.cli.arguments import FilePath, Setting, device_option, refuse_given
from zoo.cli.terminal import echo


@click.command("verify", short_help="Score a stranger's submission here, and mark its rows.")
@click.argument("submission", type=FilePath(exists=True))
@click.option(
    "--data", metavar="SOURCE", help="Take the test photos from this source, folder:PATH: they are known by content."
)
@click.option("--suite", metavar="NAME", help="Of pictures or weights: the protocol to score them by (default: quick).")
@click.option(
    "--model",
    metavar="NAME",
    help="Of weights: the registered model that reads them. Of pictures: the row's name (default: the folder's).",
)
@click.option("--set", "settings", type=Setting(), multiple=True, help="Of weights: an option of the model, width=16.")
@click.option("--out", type=FilePath(), help="Of pictures or weights: the results folder (default: benches/SUITE).")
@device_option
@click.pass_context
def command(
    ctx: click.Context,
    submission: Path,
    data: str | None,
    suite: str | None,
    model: str | None,
    settings: tuple[tuple[str, Any], ...],
    out: Path | None,
    device: str,
) -> None:
    """Score SUBMISSION here: a run's folder, a model's, a results folder; a folder of pictures; or a file of weights.

    A run is scored again from its weights, or where it has none from predictions/IMAGE.png, one for each image of its
    scores.csv. It is marked `verified` in its record and its leaderboard where each mean agrees to 0.1 % and each
    photo's score to 1 % (of 1 where a score is less), else `self-reported`; the exit code is 1 then.

    Without a run.json, pictures (one for each test photo of --suite, named after it and of the suite's size) and
    weights (with --model) become a row of --out that is scored here, and so verified; but pictures beside a scores.csv
    only where it holds the scores that were found.
    """
    from zoo.core.errors import BadInput
    from zoo.harness.run.verify import verify

    marked = []
    folders = [submission] if (submission / "run.json").is_file() else []
    for pattern in ("seed*/run.json", "runs/*/seed*/run.json"):
        folders = folders or sorted(path.parent for path in submission.glob(pattern))
    if folders:
        refuse_given(ctx, ("suite", "model", "settings", "out"), "is for pictures or weights, and this is a run")
        marked = [(folder, verify(folder, data=data, device=device)) for folder in folders]
    elif submission.is_dir():
        refuse_given(ctx, ("settings",), "is for a file of weights")
        from zoo.harness.run.submission import submit_predictions

        name = model or submission.resolve().name
        marked = [submit_predictions(submission, name, suite=suite or "quick", data=data, out=out)]
    elif model is None:
        raise BadInput(f"{submission} is a file; say which model reads these weights: --model NAME.")
    else:
        from zoo.cli.bench import report_failures, run_bench
        from zoo.harness.results.store import RunFolder
        from zoo.harness.run.verify import mark

        asked = {"suite": suite or "quick", "data": data, "device": device, "settings": settings, "out": out}
        outcome = run_bench(model, {**asked, "weights": submission})
        if not outcome.ok:
            report_failures(ctx, outcome)
        runs = [(RunFolder(path), RunFolder(path).scored_record()) for path in outcome.runs]
        marked = [(folder.path, mark(folder, record, "weights", "")) for folder, record in runs]
    for folder, found in marked:
        by = f" by its {found.by}" if found.by else ""
        echo(f"{folder}: {found.verdict}{by}{f': {found.why}' if found.why else ''}")
    ctx.exit(1 if any(found.verdict != "verified" for _, found in marked) else 0)
