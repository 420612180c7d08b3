"""``zoo compare``: models of a results folder, paired photo by photo."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli.arguments import FilePath, format_option, refuse_given
from zoo.cli.terminal import echo

if TYPE_CHECKING:
    from zoo.harness.results.comparison import Comparison, PhotoGap


@click.command("compare", short_help="Compare models, photo by photo.")
@click.argument("models", nargs=-1, required=True)
@click.option(
    "--in",
    "folder",
    type=FilePath(),
    default="benches/quick",
    show_default=True,
    help="Look for MODELS in this results folder.",
)
@format_option("table", "json")
@click.pass_context
def command(ctx: click.Context, models: tuple[str, ...], folder: Path, form: str) -> None:
    """Compare MODELS, two or more: models of a results folder, or folders of runs.

    For two it prints each metric's difference with its 95 % interval and p-value, paired by photo, a verdict, and
    the photos on which each is ahead most; for more the difference in PSNR of every two, with intervals that are
    right all together. Runs of different protocols are refused.
    """
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
            "95 % interval": f"{each.low:+.4f} to {each.high:+.4f}",
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
                    sure: f"{psnr.low:+.3f} to {psnr.high:+.3f}",
                    "p": _p(psnr.p_value),
                    "better": psnr.better or "not to be told",
                }
            )
    print_table(rows, list(rows[0]) if rows else ["A"], title="PSNR of every two")
    for each in found:
        echo(each.verdict)


def _p(value: float) -> str:
    return "< 0.0001" if value < 1e-4 else f"{value:.4f}"


def _wins(letter: str, name: str, wins: list[PhotoGap]) -> str:
    if not wins:
        return f"{letter} ({name}) is ahead on no photo."
    shown = ", ".join(f"{gap.image} ({abs(gap.a - gap.b):.2f} dB)" for gap in wins)
    return f"{letter} ({name}) is most ahead on: {shown}"
