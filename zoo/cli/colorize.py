"""``zoo colorize``: photos and whole archives, each result beside its photo or below a folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli.arguments import FilePath, device_option
from zoo.cli.terminal import echo, echo_data

if TYPE_CHECKING:
    from zoo.core.colorizer import Colorizer
    from zoo.studio.files import Job


@click.command("colorize", short_help="Colorize photos and folders.")
@click.argument("photos", nargs=-1, required=True, type=FilePath(exists=True))
@click.option("--with", "model", required=True, metavar="MODEL_OR_RUN", help="A run's folder, or gray and the like.")
@click.option("--hints", type=FilePath(exists=True), help="A picture of the photo's size with the known colours.")
@click.option("-o", "--output", type=FilePath(), help="A folder, or for one photo a file ending in .png.")
@click.option("--size", type=click.IntRange(min=1), help="Longer side the network sees, in pixels (default: 512).")
@device_option
@click.option("--overwrite", is_flag=True, help="Make results anew that are there already.")
@click.pass_context
def command(
    ctx: click.Context,
    photos: tuple[Path, ...],
    model: str,
    hints: Path | None,
    output: Path | None,
    size: int | None,
    device: str,
    overwrite: bool,
) -> None:
    """Colorize PHOTOS, files or whole folders, as NAME.colorized.png at full size.

    The photo keeps its lightness; the network gives the colour. Photos are never overwritten, and results
    that are there already are left as they are, so that a long job can be taken up again.

    --hints: where that picture has transparency, its pixels that are at least half opaque are hints; else
    those that are not grey (channels more than 25 apart).

    Exit code 1 when some photos could not be colorized, 2 when none could.
    """
    from zoo.core.errors import BadInput
    from zoo.core.trained import load
    from zoo.harness.training.device import pick_device
    from zoo.studio.files import find_jobs

    jobs = find_jobs(photos, output)
    if hints is not None and len(jobs) != 1:
        raise BadInput(f"--hints is for one photo, and these are {len(jobs)}; give one.")
    todo = [job for job in jobs if overwrite or not os.path.exists(job.result)]
    made = failed = 0
    if todo:
        colorizer = load(model, device=pick_device(device))
        with _bar(todo) as bar:
            for job in bar:
                reason = _failure(colorizer, job, hints, size)
                made, failed = made + (not reason), failed + bool(reason)
                if reason:
                    echo(f"zoo: {reason}", err=True)
    done = len(jobs) - len(todo)
    counts = [(made, "colorized"), (done, "done already"), (failed, "failed")]
    echo(", ".join(f"{count} {what}" for count, what in counts if count or what == "colorized"))
    if made == 1 and not failed:
        echo_data(f"{click.format_filename(todo[0].result)}\n")
    ctx.exit(0 if not failed else 1 if made or done else 2)


def _failure(colorizer: Colorizer, job: Job, hints: Path | None, size: int | None) -> str:
    """Colorize one photo; the reason why it could not be, or nothing."""
    from zoo.core.errors import BadInput
    from zoo.studio.colorize import colorize
    from zoo.studio.files import write_png
    from zoo.studio.photo import as_rgb, read_hints

    try:
        photo = as_rgb(job.photo)
        given = None if hints is None else read_hints(hints, photo.shape[:2])
        write_png(job.result, colorize(colorizer, photo, hints=given, size=size))
    except BadInput as error:
        return str(error)
    return ""


@contextmanager
def _bar(jobs: list[Job]) -> Iterator[Iterable[Job]]:
    """A progress bar on a terminal; nothing in a pipe."""
    if len(jobs) == 1 or not sys.stderr.isatty():
        yield jobs
        return
    with click.progressbar(jobs, file=sys.stderr, show_pos=True) as bar:
        yield bar
