"""``zoo colorize``: photos and whole archives, each result beside its photo or below a folder."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.arguments import (
    STANDARD,
    FilePath,
    choice_option,
    device_option,
    model_options,
    refuse_given,
    size_option,
)
from zoo.cli.terminal import echo, echo_data, echo_error
from zoo.studio.manner import REFERENCE_USES, UPSAMPLINGS, Manner

if TYPE_CHECKING:
    import torch

    from zoo.core.colorizer import Colorizer
    from zoo.core.origin import Origin
    from zoo.studio.album import Outcome

_STATES = {
    "colorized": "colorized",
    "done": "done already",
    "there": "there already",
    "kept": "kept as they were",
    "failed": "failed",
}
_PASSED_OVER = ("done", "there", "kept")
_NAMES_SHOWN = 3


@click.command("colorize", short_help="Colorize photos and folders.")
@click.argument("photos", nargs=-1, type=FilePath(dash=True))
@click.option(
    "--from-list",
    "listed",
    type=FilePath(exists=True, dash=True),
    help="Colorize what this file names, one path a line.",
)
@model_options("Colorize with this run, a folder, or with huang2005 and the like.")
@click.option(
    "--hints",
    type=FilePath(exists=True, dash=True),
    help="Take known colours from a picture of the photo's size, or from JSON.",
)
@click.option(
    "-o",
    "--output",
    type=FilePath(dash=True),
    help="Write into this folder, for one photo into this file, or - to standard output.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["png", "jpg", "webp", "tiff"]),
    help="Write the results in this format (default: png).",
)
@size_option
@click.option("--tiles", is_flag=True, help="Show the network the photo at its own size, tile by tile of --size.")
@choice_option("--upsampling", UPSAMPLINGS, "Bring colours up to full size in this way.")
@click.option(
    "--saturation", type=float, default=1.0, metavar="FACTOR", help="Make colours stronger (1.3), or weaker (0.7)."
)
@click.option("--from-sepia", is_flag=True, help="Read toned or yellowed prints: sepia, cyanotypes, aged paper.")
@click.option("--reference", type=FilePath(exists=True), metavar="PHOTO", help="Take the colours of this photo.")
@choice_option(
    "--reference-use",
    REFERENCE_USES,
    "Take them as the model asks for them, by their histogram, or as hints where both photos look alike.",
)
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    metavar="N",
    help="Give so many answers of a model that has several, NAME.colorized-1.png and on.",
)
@click.option(
    "--key-frames",
    type=FilePath(exists=True),
    metavar="FOLDER",
    help="Of a film: take the colours of these frames, 000125.png or 5.2s.png, and carry them to their neighbours.",
)
@click.option(
    "--shots",
    type=FilePath(),
    metavar="FOLDER",
    help="Of a film: only write the first frame of each shot into this folder, to be coloured as a key frame.",
)
@click.option("--frame-by-frame", is_flag=True, help="Of a film: colour each frame on its own, which flickers.")
@device_option
@click.option("--resume", is_flag=True, help="Pass over what has a result, without a look at either; quick.")
@click.option("--again", is_flag=True, help="Colorize again what is done already.")
@click.option("--overwrite", is_flag=True, help="Replace files too that were changed by hand or made otherwise.")
@click.pass_context
def command(
    ctx: click.Context,
    photos: tuple[Path, ...],
    listed: Path | None,
    model: str,
    weights: Path | None,
    settings: tuple[tuple[str, Any], ...],
    hints: Path | None,
    output: Path | None,
    form: str | None,
    key_frames: Path | None,
    shots: Path | None,
    frame_by_frame: bool,
    device: str,
    resume: bool,
    again: bool,
    overwrite: bool,
    **manners: Any,
) -> None:
    """Colorize PHOTOS (files, whole folders, 'patterns*', or - for standard input) as NAME.colorized.png at full size.
    A film becomes NAME.colorized.mp4.

    The photo keeps its lightness, and its file what it says of caption, date, place and resolution; the network
    gives the colour. Photos are never overwritten. A result says in its metadata what it was made with: the same
    command again passes it over, another model, other hints or another photo make it anew, and one that was changed
    by hand is kept.

    `--with zhang2017 --weights published` colours by the weights that its authors published.

    --hints: where a picture has transparency, its pixels that are at least half opaque are hints; else
    those that are not grey (channels more than 25 apart) and not the photo's own. JSON is a list of points
    {"x": 120, "y": 80, "color": "#3366cc", "radius": 4} and strokes {"points": [[10, 10], [60, 24]], "color": "green",
    "width": 9}, in pixels of the photo.

    Killed on the way, the same command goes on where it was; with --resume it does so without reading what is done.

    Exit code 1 when some photos could not be colorized or results were kept, 2 when nothing could be done.
    """
    from zoo.cli.photo_progress import watched
    from zoo.core.errors import BadInput
    from zoo.core.origin import origin_of
    from zoo.harness.training.device import pick_device
    from zoo.studio.album import Wish, colorize_album
    from zoo.studio.files import find_jobs, in_samples, read_list
    from zoo.studio.film_jobs import films_among

    if not photos and listed is None:
        raise click.UsageError("No photo is given; name photos, folders or patterns, or --from-list FILE.", ctx)
    if resume and (again or overwrite):
        raise click.UsageError("--resume passes over what --again and --overwrite make anew; leave one out.", ctx)
    manner = Manner(**manners)
    films = films_among(photos)
    if films:
        from zoo.cli.films import colorize_films

        return colorize_films(
            ctx,
            films,
            output,
            manner,
            lambda: origin_of(model, weights, dict(settings)),
            lambda: _loaded(model, weights, dict(settings), pick_device(device), manner),
            key_frames=key_frames,
            shots=shots,
            frame_by_frame=frame_by_frame,
            resume=resume,
            overwrite=overwrite,
        )
    refuse_given(ctx, ("key_frames", "shots", "frame_by_frame"), "is for films, and none is given")
    named = [] if listed is None else read_list(_bytes_of(listed), "The list" if listed == STANDARD else str(listed))
    jobs, form, remarks = find_jobs(photos, output, form, named)
    if hints is not None and len(jobs) != 1:
        raise BadInput(f"--hints is for one photo, and these are {len(jobs)}; give one.")
    if hints == STANDARD and jobs[0].photo == STANDARD:
        raise BadInput("The photo and the hints cannot both be standard input; give one of them as a file.")
    read = _bytes_of
    if manner.samples is not None:
        jobs = in_samples(jobs, manner.samples)
        read = lru_cache(maxsize=1)(_bytes_of)  # standard input comes once
    to_standard = jobs[0].result == STANDARD
    if to_standard and sys.stdout.isatty():
        raise BadInput("Standard output is a terminal, which shows no picture; write -o FILE, or > FILE.")
    target = pick_device(device)
    for remark in remarks:
        _warn(remark)
    origin = origin_of(model, weights, dict(settings))
    wish = Wish(origin, form, manner, hints, again=again, overwrite=overwrite, resume=resume)

    @lru_cache(maxsize=1)
    def colorizer() -> Colorizer:
        return _loaded(model, weights, dict(settings), target, manner)

    counts: Counter[str] = Counter()
    causes: dict[str, Counter[str]] = {state: Counter() for state in _STATES}
    lacking: list[Outcome] = []
    notes: dict[str, list[Outcome]] = {}
    said: set[str] = set()
    album = colorize_album(jobs, wish, colorizer, read)
    for outcome in watched(album, len(jobs), worked=lambda outcome: outcome.state not in _PASSED_OVER):
        counts[outcome.state] += 1
        causes[outcome.state].update(filter(None, [outcome.cause]))
        for note in outcome.notes:
            notes.setdefault(note, []).append(outcome)
        for sentence in filter(None, (outcome.reason, outcome.remark)):
            if sentence not in said:  # a folder that cannot be written is the reason of all that is in it
                _warn(sentence)
            said.add(sentence)
        if outcome.error is not None and ctx.find_root().params.get("debug"):
            echo_error(outcome.error)
        if outcome.lacks:
            lacking.append(outcome)
        if outcome.content:
            sys.stdout.buffer.write(outcome.content)
    for note, outcomes in notes.items():
        _warn(f"{_named(outcomes)}: {note}.")
    if lacking:
        _warn(_no_colour(lacking, counts["colorized"], wish.origin, colorizer(), hinted=hints is not None))
    shown = [
        f"{counts[state]} {what}{_why(causes[state])}"
        for state, what in _STATES.items()
        if counts[state] or state == "colorized"
    ]
    echo(", ".join(shown), err=to_standard)
    if len({job.photo for job in jobs}) == 1 and counts["colorized"] and not to_standard:
        echo_data("".join(f"{click.format_filename(job.result)}\n" for job in jobs))
    incomplete = counts["failed"] + counts["kept"]
    ctx.exit(0 if not incomplete else 1 if counts.total() > counts["failed"] else 2)


def _loaded(
    model: str, weights: Path | None, options: dict[str, Any], device: torch.device, manner: Manner
) -> Colorizer:
    from zoo.core.trained import load
    from zoo.studio.colorize import wants_a_photo_alone, wants_several_answers

    loaded = load(model, device, weights=weights, options=options)
    if manner.reference is None:
        wants_a_photo_alone(loaded)
    if manner.samples is not None:
        wants_several_answers(loaded)
    for note in loaded.notes:
        _warn(f"{model}: {note}.")
    return loaded


def _bytes_of(file: Path) -> bytes:
    from zoo.core.errors import BadInput

    try:
        return sys.stdin.buffer.read() if file == STANDARD else file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file} cannot be read ({error.strerror or error}); repair or remove it.") from None


def _no_colour(lacking: Sequence[Outcome], made: int, origin: Origin, model: Colorizer, *, hinted: bool) -> str:
    """One sentence for all results without colour."""
    from zoo.studio.no_colour import NO_COLOUR, ONE_TINT, why

    of = f"{len(lacking)} of {made} photos ({_named(lacking)})" if made > 1 else _named(lacking)
    lacks = NO_COLOUR if any(outcome.lacks == NO_COLOUR for outcome in lacking) else ONE_TINT
    what = "No colour" if lacks == NO_COLOUR else "Hardly any colour, one tint all over,"
    return f"{what} came out of {of}: {why(model, origin, lacks, hinted=hinted)}."


def _why(causes: Counter[str]) -> str:
    """``: 2 no photo that can be read, 1 the model failed`` in brackets, or nothing."""
    return f" ({', '.join(f'{count} {cause}' for cause, count in causes.most_common())})" if causes else ""


def _named(outcomes: Sequence[Outcome]) -> str:
    """The photos' names, the first few of them."""
    paths = [outcome.job.photo for outcome in outcomes]
    names = ["standard input" if path == STANDARD else path.name for path in paths[:_NAMES_SHOWN]]
    more = f" and {len(paths) - len(names)} more" if len(paths) > len(names) else ""
    return ", ".join(names) + more


def _warn(sentence: str) -> None:
    from zoo.cli.photo_progress import said_beside

    said_beside(f"zoo: {sentence}")
