"""What ``zoo colorize`` does when it is given films."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import click
import msgspec
from PIL import Image

from zoo.cli.arguments import refuse_given
from zoo.cli.photo_progress import watched
from zoo.cli.terminal import echo, echo_data
from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput, Stopped
from zoo.core.files import make_writable_folder, writing
from zoo.core.origin import Origin
from zoo.core.photo_files import is_photo
from zoo.studio.files import Job
from zoo.studio.film import FilmWish, FilmWork, Made, first_frames
from zoo.studio.film_jobs import film_jobs
from zoo.studio.manner import Manner
from zoo.studio.no_colour import NO_COLOUR, why
from zoo.studio.photo import as_rgb

NOT_FOR_FILMS = ("hints", "form", "tiles", "from_sepia", "samples", "again", "listed")


def colorize_films(
    ctx: click.Context,
    films: Sequence[Path],
    output: Path | None,
    manner: Manner,
    origin: Callable[[], Origin],
    model: Callable[[], Colorizer],
    *,
    key_frames: Path | None,
    shots: Path | None,
    frame_by_frame: bool,
    resume: bool,
    overwrite: bool,
) -> None:
    """Colour films one after another, or write the first frames of their shots."""
    refuse_given(ctx, NOT_FOR_FILMS, "is for photos, and this is a film")
    if (shots is not None or key_frames is not None) and len(films) != 1:
        raise BadInput(f"Key frames are of one film, and these are {len(films)}; give one.")
    if shots is not None:
        _write_first_frames(films[0], shots, manner.side(None))
        return
    if manner.reference is not None:
        manner = msgspec.structs.replace(manner, reference=as_rgb(manner.reference))
    made = kept = there = 0
    for job in film_jobs(films, output):
        if job.result.exists() and not overwrite:
            if resume:
                there += 1
            else:
                kept += 1
                echo(f"zoo: {job.result} is there already and is kept as it is; --overwrite replaces it.", err=True)
            continue
        wish = FilmWish(name=origin().name, manner=manner, key_frames=key_frames, steady=not frame_by_frame)
        _colorize(job, wish, origin(), model())
        made += 1
    said = [(made, "colorized"), (there, "there already"), (kept, "kept as they were")]
    echo(", ".join(f"{count} {what}" for count, what in said if count or what == "colorized"))
    if made == len(films) == 1:
        echo_data(f"{click.format_filename(job.result)}\n")
    ctx.exit(0 if not kept else 1 if made or there else 2)


def _colorize(job: Job, wish: FilmWish, origin: Origin, model: Colorizer) -> None:
    work = FilmWork(job.photo, job.result, wish, model)
    last = Made(0, 0, "")
    lacks: set[str] = set()
    try:
        for last in watched(work.frames(), work.length, unit="frames"):
            lacks.add(last.lacks)
    except KeyboardInterrupt:
        of = f" of {work.length}" if work.length else ""
        raise Stopped(f"stopped at frame {last.number}{of} of {job.photo}; no film was written.") from None
    for note in work.notes:
        echo(f"zoo: {note}", err=True)
    if "" not in lacks:
        what = "No colour" if NO_COLOUR in lacks else "Hardly any colour, one tint all over,"
        lack = NO_COLOUR if NO_COLOUR in lacks else next(iter(lacks))
        reason = why(model, origin, lack, hinted=bool(work.keys.files))
        echo(f"zoo: {what} came out of {job.photo.name}: {reason.replace('--hints FILE', '--key-frames')}.", err=True)
    echo(f"{job.photo.name}: {last.number} frames in {_shots(last.shots)}", err=True)


def _write_first_frames(film: Path, folder: Path, size: int) -> None:
    make_writable_folder(folder)
    if any(is_photo(each) for each in folder.iterdir()):
        raise BadInput(f"{folder} holds pictures already; choose another folder for --shots.")
    found = 0
    for frame, begins in first_frames(film, size):
        if begins:
            found += 1
            with writing(folder / f"{frame.number:06}.png") as part:
                Image.fromarray(frame.rgb).convert("L").convert("RGB").save(part, "PNG")
    echo(
        f"{_shots(found)}, the first frame of each in {folder}; colour those that matter, and give it as --key-frames."
    )


def _shots(count: int) -> str:
    return "1 shot" if count == 1 else f"{count} shots"
