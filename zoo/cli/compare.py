"""``zoo compare``: models of a results folder, or two versions of all of them, paired photo by photo."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli.arguments import FilePath, format_option, refuse_given
from zoo.cli.terminal import echo

if TYPE_CHECKING:
    from zoo.harness.results.comparison import Comparison, Difference, PhotoGap
    from zoo.harness.results.versions import Change, Versions


@click.command("compare", short_help="Compare models, photo by photo.")
@click.argument("models", nargs=-1)
@click.option(
    "--in",
    "folder",
    type=FilePath(),
    default="benches/quick",
    show_default=True,
    help="Look for MODELS in this results folder.",
)
@click.option(
    "--results",
    nargs=2,
    type=FilePath(exists=True),
    metavar="BEFORE AFTER",
    help="Compare two results folders of one protocol: what got better or worse from one version to the next.",
)
@click.option("--fail-on-worse", is_flag=True, help="With --results: exit code 1 when something got worse or was lost.")
@format_option("table", "json")
@click.pass_context
def command(
    ctx: click.Context,
    models: tuple[str, ...],
    folder: Path,
    results: tuple[Path, Path] | None,
    fail_on_worse: bool,
    form: str,
) -> None:
    """Compare MODELS, two or more: models of a results folder, or folders of runs.

    For two it prints each metric's difference with its 95 % interval and p-value, paired by photo, a verdict, and
    the photos on which each is ahead most; for more the difference in PSNR of every two, with intervals that are
    right all together. Runs of different protocols are refused.

    With --results it compares each model (those named, or all) with itself in another results folder.
    """
    if results is not None:
        refuse_given(ctx, ("folder",), "is for models of one folder, and --results names two: leave one out")
        _compare_versions(ctx, results, models, fail_on_worse, form)
        return
    refuse_given(ctx, ("fail_on_worse",), "is for --results: leave it out, or name two results folders")
    if not models:
        raise click.UsageError("Name two models or more, or two results folders with --results.", ctx)
    from zoo.cli.tables import print_json
    from zoo.harness.results.comparison import compare_several

    if all(os.path.isdir(name) for name in models):  # which takes names too long for a path
        refuse_given(ctx, ("folder",), "is where models are looked for by name, and these are folders: leave it out")
    found = compare_several(models, folder)
    if form == "json":
        import msgspec

        print_json(msgspec.to_builtins(found[0] if len(found) == 1 else found))
    elif len(found) == 1:
        _show_two(found[0])
    else:
        _show_pairs(found)


def _show_two(found: Comparison) -> None:
    from zoo.cli.tables import print_table

    rows = [
        {
            "metric": each.metric,
            "A": f"{each.a:.4f}",
            "B": f"{each.b:.4f}",
            "A - B": f"{each.difference:+.4f}",
            "95 % interval": _ends(each, 4),
            "p": _p(each.p_value),
            "better": each.better or "not to be told",
        }
        for each in found.differences
    ]
    print_table(rows, list(rows[0]) if rows else ["metric"], title=f"A = {found.a}, B = {found.b}")
    seeds = " and ".join(map(str, found.seeds))
    echo(f"A = {found.a}, B = {found.b}; {found.images} photos, {seeds} seeds.")
    echo(found.verdict)
    for letter, name, wins in (("A", found.a, found.wins_a), ("B", found.b, found.wins_b)):
        echo(_wins(letter, name, wins))


def _show_pairs(found: list[Comparison]) -> None:
    from zoo.cli.tables import print_table

    sure = f"{100 * found[0].confidence:.4g} % interval"
    rows = []
    for each in found:
        psnr = next((difference for difference in each.differences if difference.metric == "psnr"), None)
        if psnr is not None:
            rows.append(
                {
                    "A": each.a,
                    "B": each.b,
                    "A - B, dB": f"{psnr.difference:+.3f}",
                    sure: _ends(psnr, 3),
                    "p": _p(psnr.p_value),
                    "better": psnr.better or "not to be told",
                }
            )
    print_table(rows, list(rows[0]) if rows else ["A"], title="PSNR of every two")
    for each in found:
        echo(each.verdict)


def _compare_versions(
    ctx: click.Context, results: tuple[Path, Path], models: tuple[str, ...], fail_on_worse: bool, form: str
) -> None:
    from zoo.harness.results.versions import WORSE, compare_versions

    found = compare_versions(*results, models)
    if form == "json":
        import msgspec

        from zoo.cli.tables import print_json

        print_json(msgspec.to_builtins(found))
    else:
        _show_versions(found)
    ctx.exit(1 if fail_on_worse and (found.of(WORSE) or found.lost) else 0)


def _show_versions(found: Versions) -> None:
    from zoo.cli.tables import print_table
    from zoo.harness.results.versions import BETTER, WORSE

    echo(f"before: {found.before}")
    echo(f"after:  {found.after}")
    changed = [*found.of(WORSE), *found.of(BETTER)]
    if changed:
        sure = f"{100 * found.confidence:.4g} % interval"
        print_table([_change_row(each, sure) for each in changed], list(_change_row(changed[0], sure)))
    compared = {each.model for each in found.changes}
    for way in (WORSE, BETTER):
        names = dict.fromkeys(f"{each.model} ({each.metric})" for each in found.of(way))
        echo(f"{way}: {', '.join(names) or 'nothing'}")
    echo(f"not to be told apart: {len(compared - {each.model for each in changed})} of {len(compared)} models")
    for model, reason in found.lost.items():
        echo(f"lost: {model}, {reason}")
    if found.new:
        echo(f"new: {', '.join(found.new)}")
    if compared and not found.seeds_known:
        echo("With one seed this is of these trained weights, not of the models trained again.")


def _change_row(each: Change, sure: str) -> dict[str, str]:
    from zoo.harness.results.measured import described

    column = described(each.metric)
    decimals = column.decimals or 0
    return {
        "model": each.model,
        "metric": each.metric,
        "before": column.text(each.before),
        "after": column.text(each.after),
        "after - before": f"{each.difference:+.{decimals}f}",
        sure: _ends(each, decimals),
        "p": _p(each.p_value),
        "change": each.change,
    }


def _ends(of: Difference | Change, decimals: int) -> str:
    from zoo.harness.results.statistics import written

    low, high = written(of.low, of.high, decimals)
    return f"{low:+.{decimals}f} to {high:+.{decimals}f}"


def _p(value: float) -> str:
    return "< 0.0001" if value < 1e-4 else f"{value:.4f}"


def _wins(letter: str, name: str, wins: list[PhotoGap]) -> str:
    if not wins:
        return f"{letter} ({name}) is ahead on no photo."
    shown = ", ".join(f"{gap.image} ({abs(gap.a - gap.b):.2f} dB)" for gap in wins)
    return f"{letter} ({name}) is most ahead on: {shown}"
