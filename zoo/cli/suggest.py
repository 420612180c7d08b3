"""``zoo suggest``: likely colours of one place in a photo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zoo.cli.arguments import FilePath, model_options, size_option
from zoo.cli.tables import print_json, print_table
from zoo.cli.terminal import echo


@click.command("suggest", short_help="List likely colours of a place in a photo.")
@click.argument("photo", type=FilePath(exists=True))
@click.argument("x", type=float)
@click.argument("y", type=float)
@model_options("Ask this run, a folder, or a model.")
@click.option("--hints", type=FilePath(exists=True), help="Give it these known colours, as `zoo colorize` does.")
@click.option("--count", type=click.IntRange(min=1), default=5, show_default=True, help="List so many at most.")
@size_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    photo: Path,
    x: float,
    y: float,
    model: str,
    weights: Path | None,
    settings: tuple[tuple[str, Any], ...],
    hints: Path | None,
    count: int,
    size: int | None,
    as_json: bool,
) -> None:
    """List colours that PHOTO may well have at X, Y (pixels from the left and from the top), the likeliest first.

    Models that predict a distribution (zhang2016, zhang2017, unet_quantized, unet_mixture) say it. Of one that has
    several answers 16 are drawn. Any other gives one colour a place: then its colours around are listed, where the
    photo is as light, and a sentence says so.
    """
    import msgspec

    from zoo.core.trained import load
    from zoo.studio.no_colour import GREY_BELOW
    from zoo.studio.suggest import suggest

    colorizer = load(model, weights=weights, options=dict(settings))
    said = suggest(colorizer, photo, x, y, hints=hints, size=size, count=count)
    for note in colorizer.notes:
        echo(f"zoo: {model}: {note}.", err=True)
    if said.source == "around":
        echo(f"zoo: {model} gives one colour a place; these are its colours around, where it is as light.", err=True)
    if all(abs(each.a) + abs(each.b) < GREY_BELOW for each in said.suggested):
        echo(f"zoo: {model} has no colour there; give some known ones (--hints FILE), or ask another model.", err=True)
    if as_json:
        print_json({"model": model, "x": x, "y": y, **msgspec.to_builtins(said)})
    else:
        print_table([msgspec.to_builtins(each) for each in said.suggested], ["color", "share", "a", "b"])
