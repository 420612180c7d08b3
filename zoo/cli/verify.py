"""``zoo verify``: a stranger's runs, scored again and marked."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.arguments import FilePath, device_option
from zoo.cli.terminal import echo


@click.command("verify", short_help="Score a stranger's runs again, and mark them.")
@click.argument("submission", type=FilePath(exists=True))
@click.option(
    "--data", metavar="SOURCE", help="Take the test photos from this source, folder:PATH: they are known by content."
)
@device_option
@click.pass_context
def command(ctx: click.Context, submission: Path, data: str | None, device: str) -> None:
    """Score the runs of SUBMISSION again: a run's folder, a model's, or a results folder.

    From a run's weights, or where it has none from predictions/IMAGE.png, one for each image of its scores.csv. A run
    is marked `verified` in its record and its leaderboard where each mean agrees to 0.1 % and each photo's score to
    1 % (of 1 where a score is less), else `self-reported`; the exit code is 1 then.
    """
    from zoo.harness.run.verify import verify

    folders = [submission] if (submission / "run.json").is_file() else []
    for pattern in ("seed*/run.json", "runs/*/seed*/run.json"):
        folders = folders or sorted(path.parent for path in submission.glob(pattern))
    failed = False
    for folder in folders or [submission]:
        mark = verify(folder, data=data, device=device)
        failed = failed or mark.verdict != "verified"
        echo(f"{folder}: {mark.verdict}{f' by its {mark.by}' if mark.by else ''}{f': {mark.why}' if mark.why else ''}")
    ctx.exit(1 if failed else 0)
