"""``zoo export``: a colorizer as a file for programs that know nothing of this one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.arguments import FilePath, choice_option, weights_option
from zoo.cli.terminal import echo, echo_data

if TYPE_CHECKING:
    from zoo.studio.export import Lab, Target


@click.command("export", short_help="Write a colorizer as ONNX, or for torch alone.")
@click.argument("model", metavar="MODEL_OR_RUN")
@click.option(
    "--to",
    type=click.Choice(["onnx", "torch"]),
    required=True,
    help="Write ONNX (extra `export`), or what torch.export.load reads.",
)
@choice_option(
    "--lab",
    ("inside", "outside"),
    "inside: grey photo and hints to RGB; outside: lightness, hint a, hint b, mask to ab.",
)
@choice_option("--pixels", ("float", "uint8"), "With Lab inside: pictures are float32 in 0 to 1, or uint8.")
@weights_option("For a model, not a run", "For a model, not a run")
@click.option("-o", "--output", type=FilePath(), metavar="FILE", help="Write this file (default: MODEL.onnx, .pt2).")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
def command(
    model: str,
    to: Target,
    lab: Lab,
    pixels: str,
    weights: Path | None,
    settings: tuple[tuple[str, Any], ...],
    output: Path | None,
    overwrite: bool,
) -> None:
    """Write MODEL_OR_RUN as one file, for photos of any height, width and number.

    Lab inside: grey (N, 1, H, W) and hints (N, 4, H, W), RGB and opacity, to rgb (N, 3, H, W). Lab outside: condition
    (N, 4, H, W) to ab (N, 2, H, W), L / 50 - 1 and ab / 110. Hints are spread in the file.

    The file is run at sizes that it was not made with, and is kept when it gives what the model gives to 1e-4.
    """
    from zoo.core.errors import BadInput
    from zoo.core.trained import load
    from zoo.studio.export import SUFFIXES, export

    colorizer = load(model, weights=weights, options=dict(settings))
    name = Path(colorizer.name).name + SUFFIXES[to]  # a stranger's record may name a place
    path = output or Path(name)
    if path.is_dir():
        raise BadInput(f"{path} is a folder; write the file's name, such as {path / name}.")
    if path.exists() and not overwrite:
        raise BadInput(f"{path} is there already; give --overwrite to replace it, or another -o FILE.")
    worst = export(colorizer, path, to, lab=lab, uint8=pixels == "uint8")
    for note in colorizer.notes:
        echo(f"zoo: {model}: {note}.", err=True)
    size = path.stat().st_size / 2**20
    echo(f"{colorizer.name}, {size:.1f} MiB; its answers differ by at most {worst:.1g} from the model's.", err=True)
    echo_data(f"{click.format_filename(path)}\n")
