"""``zoo compare``: two models of a results folder, paired photo by photo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli.arguments import FilePath, format_option, refuse_given
from zoo.cli.terminal import echo

if TYPE_CHECKING:
    from zoo.harness.bench.compare import PhotoGap


@click.command("compare", short_help="Tell two models apart, or say that one cannot.")
@click.argument("a")
@click.argument("b")
@click.option(
    "--in",
    "folder",
    type=FilePath(),
    default="results/quick",
    show_default=True,
    help="The results folder that A and B are models of.",
)
@format_option("table", "json")
@click.pass_context
def command(ctx: click.Context, a: str, b: str, folder: Path, form: str) -> None:
    """Compare A and B: models of a results folder, or folders of runs.

    Prints each metric's difference A - B with its 95 % interval and p-value, paired by photo, and the photos
    on which each is ahead most. Runs of different protocols are refused.
    """
    from zoo.cli.tables import print_json, print_table
    from zoo.harness.bench.compare import compare_models

    if all(Path(name).is_dir() for name in (a, b)):
        refuse_given(ctx, ("folder",), "is where models are looked for by name, and A and B are folders: leave it out")
    found = compare_models(a, b, folder)
    if form == "json":
        import msgspec

        print_json(msgspec.to_builtins(found))
        return
    rows = [
        {
            "metric": each.metric,
            "A": f"{each.a:.4f}",
            "B": f"{each.b:.4f}",
            "A - B": f"{each.difference:+.4f}",
            "95 % interval": f"{each.low:+.4f} to {each.high:+.4f}",
            "p": "< 0.0001" if each.p_value < 1e-4 else f"{each.p_value:.4f}",
        }
        for each in found.differences
    ]
    print_table(rows, list(rows[0]) if rows else ["metric"], title=f"A = {found.a}, B = {found.b}")
    seeds = " and ".join(map(str, found.seeds))
    echo(f"A = {found.a}, B = {found.b}; {found.images} photos, {seeds} seeds.")
    if 1 in found.seeds:
        echo("With one seed the interval speaks of these trained weights, not of the model trained again.")
    for letter, name, wins in (("A", found.a, found.wins_a), ("B", found.b, found.wins_b)):
        echo(_wins(letter, name, wins))


def _wins(letter: str, name: str, wins: list[PhotoGap]) -> str:
    if not wins:
        return f"{letter} ({name}) is ahead on no photo."
    shown = ", ".join(f"{gap.image} ({abs(gap.a - gap.b):.2f} dB)" for gap in wins)
    return f"{letter} ({name}) is most ahead on: {shown}"
