"""Many photos one after another: each is made, or done already, or left alone, or failed, and none costs the others."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from PIL import Image

from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput, ZooError, reason_of
from zoo.core.files import write_whole
from zoo.core.origin import Origin
from zoo.core.photo import open_photo
from zoo.studio.colorize import WORKING_SIZE, join, predict
from zoo.studio.files import STANDARD, Job, unwritable_folders
from zoo.studio.formats import FORMATS, encode
from zoo.studio.hint_picture import read_hints
from zoo.studio.made_by import MadeBy, is_unchanged, made_by, read_made_by, sealed
from zoo.studio.metadata import read_metadata
from zoo.studio.no_colour import lack_of_colour


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What every photo of an album is made with.

    Attributes:
        origin: where the model comes from.
        form: the results' format, a key of ``FORMATS``.
        size: the longer side the network sees.
        hints: a hint picture for the one photo.
        again: make anew what is done already.
        overwrite: replace, besides, what was changed by hand, or is no result.
    """

    origin: Origin
    form: str
    size: int = WORKING_SIZE
    hints: Path | None = None
    again: bool = False
    overwrite: bool = False


class Outcome(NamedTuple):
    """What became of one photo.

    Attributes:
        state: ``colorized``, ``done``, ``kept`` or ``failed``.
        reason: why it was kept or failed, a sentence.
        notes: what else a person should know of the photo, a phrase each.
        remark: what was wrong with the hint picture, a sentence.
        lacks: what is wrong with the result's colour, if anything.
        content: the result's bytes, where it goes to standard output.
        error: what a model raised that is no sentence.
    """

    job: Job
    state: str
    reason: str = ""
    notes: tuple[str, ...] = ()
    remark: str = ""
    lacks: str = ""
    content: bytes = b""
    error: Exception | None = None


def colorize_album(
    jobs: Iterable[Job], wish: Wish, model: Callable[[], Colorizer], read: Callable[[Path], bytes]
) -> Iterator[Outcome]:
    """Colorize photo by photo.

    Args:
        model: gives the colorizer; not asked before one is needed.
        read: gives a file's bytes, or raises BadInput.

    Raises:
        BadInput: no result's folder can be written; found before the first photo is read.
        ZooError: whatever ``model`` raises.
    """
    jobs = list(jobs)
    refused = unwritable_folders(jobs)
    if jobs and len(refused) == len({job.result.parent for job in jobs}):
        raise BadInput(next(iter(refused.values())))
    hints = None if wish.hints is None else read(wish.hints)
    for job in jobs:
        if job.result.parent in refused and job.result != STANDARD:
            yield Outcome(job, "failed", refused[job.result.parent])
            continue
        try:
            photo = read(job.photo)
            said = made_by(wish.origin, photo, wish.form, size=wish.size, hints=hints)
            found = _found(job, said, wish)
        except ZooError as error:
            yield Outcome(job, "failed", str(error))
            continue
        if found is not None:
            yield found
            continue
        colorizer = model()
        try:
            yield _made(job, photo, hints, colorizer, wish, said)
        except ZooError as error:
            yield Outcome(job, "failed", _about(job, str(error)))
        except Exception as error:  # a model may be anybody's, and one photo costs itself alone
            reason = f"{colorizer.name} failed on it ({type(error).__name__}: {reason_of(error)})"
            yield Outcome(
                job, "failed", f"{_shown(job.photo)}: {reason}; choose another model, or a smaller --size.", error=error
            )


def _found(job: Job, said: MadeBy, wish: Wish) -> Outcome | None:
    """What is to be left as it lies there; None when the result is to be made."""
    if job.result == STANDARD:
        return None
    try:
        if not os.path.lexists(job.result):
            return None
        if job.result.is_dir():
            raise BadInput(f"{job.result} is a folder; move it away, or choose another output.")
        there = read_made_by(job.result)
        if there is not None and there.identity == said.identity and not (wish.again or wish.overwrite):
            return Outcome(job, "done")
        if wish.overwrite or (there is not None and is_unchanged(job.result, there)):
            return None
    except OSError as error:
        raise BadInput(f"{job.result} cannot be read ({error.strerror or error}); choose another output.") from None
    changed = "was not made by zoo colorize" if there is None else "has been changed since it was made"
    return Outcome(job, "kept", f"{job.result} {changed} and is kept as it is; --overwrite replaces it.")


def _made(job: Job, content: bytes, hints: bytes | None, colorizer: Colorizer, wish: Wish, said: MadeBy) -> Outcome:
    photo = open_photo(content, name=_shown(job.photo))
    notes = [*photo.notes]
    given, remark = None, ""
    if wish.hints is not None:
        given, remark = read_hints(wish.hints, photo.rgb, hints)
    ab = predict(colorizer, photo.rgb, hints=given, size=wish.size)
    metadata = read_metadata(content)
    metadata.say(said.line())
    alpha = _alpha(photo.image)
    if alpha is not None and not FORMATS[wish.form].alpha:
        if alpha.min() < 255:
            notes.append(f"{wish.form} has no transparency, the result is shown over white")
        alpha = None
    seen = photo.rgb if alpha is None else np.asarray(photo.image.convert("RGB"))
    written = sealed(encode(join(seen, ab), wish.form, alpha=alpha, metadata=metadata))
    notes += metadata.notes
    if job.result != STANDARD:
        write_whole(job.result, written)
        written = b""
    return Outcome(job, "colorized", notes=tuple(notes), remark=remark, lacks=lack_of_colour(ab), content=written)


def _alpha(image: Image.Image) -> np.ndarray | None:
    return np.asarray(image.getchannel("A")) if image.mode == "RGBA" else None


def _about(job: Job, sentence: str) -> str:
    """The sentence, beginning with the photo's name if it does not name it."""
    named = _shown(job.photo) in sentence or job.result.name in sentence
    return sentence if named else f"{_shown(job.photo)}: {sentence}"


def _shown(photo: Path) -> str:
    return "standard input" if photo == STANDARD else str(photo)
