"""``zoo train``: some models, under a suite's protocol; the same runs that ``zoo bench`` makes."""

from __future__ import annotations

from typing import Any

import click

from zoo.cli.bench import run_options
from zoo.cli.terminal import echo_data


@click.command("train", short_help="Train some models under a suite.")
@click.argument("models", nargs=-1, required=True)
@run_options
@click.pass_context
def command(ctx: click.Context, models: tuple[str, ...], **options: Any) -> None:
    """Train MODELS under a suite's protocol and print their run folders.

    A folder it prints is what `zoo colorize --with` and `zoo eval` take.
    """
    from zoo.cli.bench import report_failures, run_bench

    outcome = run_bench(",".join(models), options)
    for path in outcome.runs:
        if (path / "run.json").is_file():
            echo_data(f"{path}\n")
    report_failures(ctx, outcome)
