"""``zoo bench``: train and score many models under one protocol, and write the leaderboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from zoo.cli.arguments import FilePath, Names, Seconds, Setting, device_option, lpips_option
from zoo.cli.terminal import echo, echo_data
from zoo.core.errors import BadInput

_OPTIONS = (
    click.option(
        "--suite", default="quick", show_default=True, help="Follow this protocol: a suite's name, or a YAML file."
    ),
    click.option("--seeds", type=click.IntRange(min=1), help="Train each model so many times (default: the suite's)."),
    click.option(
        "--first-seed",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        help="Begin with this seed: another machine makes those before it.",
    ),
    click.option(
        "--data",
        metavar="SOURCE",
        help="Take this source of photos: photos, folder:PATH, torchvision:NAME, or a plugin's.",
    ),
    click.option("--test-data", metavar="SOURCE", help="Take the test photos from another source."),
    click.option(
        "--split",
        type=click.Choice(["test", "validation"]),
        help="Score these photos (default: test): validation is for choosing recipes and sizes by.",
    ),
    device_option,
    click.option(
        "--set",
        "settings",
        type=Setting(),
        multiple=True,
        help="Set an option of the models, or a field of the suite, of the recipes or of the executor: width=16, "
        "suite.size=128, recipe.lr=3e-4, executor.gpus=0.5.",
    ),
    click.option("--recipe", metavar="NAME", help="Train all models by this recipe."),
    click.option(
        "--recipes",
        type=Names(),
        metavar="NAMES",
        help="Train all models by each of these recipes, ranked in one table: default,gachon.",
    ),
    click.option("--budget", metavar="AMOUNT", help="Train each run for steps=300, epochs=3 or seconds=60."),
    click.option(
        "--jobs",
        type=click.IntRange(min=1),
        help="Carry out so many runs at a time (default: as many as the cores take).",
    ),
    click.option("--out", type=FilePath(), help="Write into this results folder (default: benches/SUITE)."),
    lpips_option,
    click.option("--timeout", type=Seconds(), help="End a run after so many seconds."),
    click.option(
        "--no-pictures",
        "pictures",
        flag_value=False,
        default=True,
        help="Keep numbers only: no picture and no hint of photos that may not be passed on.",
    ),
    click.option("--deterministic", is_flag=True, help="Use deterministic algorithms only, slower on CUDA."),
    click.option(
        "--executor",
        metavar="NAME",
        help="Carry runs out by this executor: local, ray, slurm, or a plugin's (default: the suite's, local).",
    ),
    click.option(
        "--detach", is_flag=True, help="Go on without this terminal; say how to look at it and how to stop it."
    ),
    click.option(
        "--track", multiple=True, metavar="NAME", help="Tell this tracker too: tensorboard, mlflow, or a plugin's."
    ),
)


def run_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that ``bench`` and ``train`` share."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@click.command("bench", short_help="Train and score models, write a leaderboard.")
@click.option(
    "--models",
    multiple=True,
    metavar="NAMES",
    help="Train all, or those of a list: 'unet,r2*'; -NAME leaves one out: 'all,-r2*' (default: the suite's).",
)
@click.option("--baselines/--no-baselines", default=True, show_default=True, help="Score our baselines beside them.")
@run_options
@click.pass_context
def command(ctx: click.Context, models: tuple[str, ...], **options: Any) -> None:
    """Train every model of --models under one protocol and write a leaderboard.

    What is done already is skipped; after Ctrl-C the same command goes on from where it was. Exit code 1 when
    a run failed; a broken plugin that was not asked for by name does not count.
    """
    from zoo.cli.leaderboard import show

    outcome = run_bench(",".join(models), options)
    show(outcome.folder)
    echo_data(f"{outcome.folder / 'leaderboard.csv'}\n")
    report_failures(ctx, outcome)


def run_bench(models: str, options: dict[str, Any]) -> Any:
    """The bench that the command line asks for, watched."""
    from zoo.cli.progress import watching
    from zoo.harness.run.bench import bench
    from zoo.harness.run.executor import follows
    from zoo.harness.run.request import BenchRequest, default_folder, effective_suite

    if follows():
        from zoo.harness.run.executors.torchrun import follow

        follow()
        raise click.exceptions.Exit(0)
    settings: tuple[tuple[str, Any], ...] = options.pop("settings")
    aside = options.pop("detach", False)
    keys = [key for key, _ in settings]
    for key in keys:
        if keys.count(key) > 1:
            raise BadInput(f"--set {key} is given {keys.count(key)} times; give it once.")
    options["recipes"] = tuple(options.get("recipes") or ())
    request = BenchRequest(models=models, options=dict(settings), **options)
    if aside:
        from zoo.cli.detached import detach

        detach(click.get_current_context(), request.out or default_folder(effective_suite(request)))
    with watching() as reporter:
        return bench(request, reporter)


def report_failures(ctx: click.Context, outcome: Any) -> None:
    """Name the runs that failed; exit code 1 unless they are a stranger's that nobody asked for by name."""
    if outcome.failed:
        count = len(outcome.failed)
        shown = ", ".join(outcome.failed[:5]) + (", …" if count > 5 else "")
        echo(f"zoo: {count} failed: {shown}; the leaderboard's column 'error' says why.", err=True)
    ctx.exit(1 if outcome.named_failed else 0)
