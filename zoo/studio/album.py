"""Many photos one after another: each is made, or done already, or left alone, or failed, and none costs the others.

While the model looks at one photo, a thread reads and decodes the next ones and another brings colours up to full
size, encodes and writes. Only a few photos are ever in memory, and a large one alone.
"""

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
from zoo.core.photo import Photo, open_photo, photo_size
from zoo.studio.ahead import ahead
from zoo.studio.colorize import Answer, answered, finished
from zoo.studio.files import STANDARD, Job, unwritable_folders
from zoo.studio.formats import FORMATS, encode
from zoo.studio.hint_file import read_hints
from zoo.studio.hint_picture import Hints
from zoo.studio.made_by import MadeBy, is_unchanged, made_by, read_made_by, sealed
from zoo.studio.manner import Manner
from zoo.studio.metadata import read_metadata
from zoo.studio.no_colour import lack_of_colour
from zoo.studio.sepia import untoned

IN_FLIGHT = 2
"""Photos that are decoded before the model is ready for them, and as many that wait to be written."""

LARGE = 2**24
"""Pixels. A larger photo is neither decoded beside others nor written beside them."""


class Wish(msgspec.Struct, frozen=True):
    """What every photo of an album is made with.

    Attributes:
        origin: where the model comes from.
        form: the results' format, a key of ``FORMATS``.
        manner: the options of colorizing; its ``reference`` a file's path.
        hints: a file of hints for the one photo.
        again: make anew what is done already.
        overwrite: replace, besides, what was changed by hand, or is no result.
        resume: pass over every photo that has a result, without a look at either.
    """

    origin: Origin
    form: str
    manner: Manner = Manner()
    hints: Path | None = None
    again: bool = False
    overwrite: bool = False
    resume: bool = False


class Outcome(NamedTuple):
    """What became of one photo.

    Attributes:
        state: ``colorized``, ``done``, ``there``, ``kept`` or ``failed``.
        cause: why, in a few words that many photos share.
        reason: why it was kept or failed, a sentence.
        notes: what else a person should know of the photo, a phrase each.
        remark: what was wrong with the hints, a sentence.
        lacks: what is wrong with the result's colour, if anything.
        content: the result's bytes, where it goes to standard output.
        error: what a model raised that is no sentence.
    """

    job: Job
    state: str
    cause: str = ""
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
        BadInput: no result's folder can be written, or the hints or the reference cannot be read; found before the
            first photo is.
        ZooError: whatever ``model`` raises.
    """
    jobs = list(jobs)
    refused = unwritable_folders(jobs)
    if jobs and len(refused) == len({job.result.parent for job in jobs}):
        raise BadInput(next(iter(refused.values())))
    album = _Album(wish, model, read, refused)
    prepared = ahead(album.prepared, jobs, depth=IN_FLIGHT)
    yield from ahead(album.written, map(album.looked_at, prepared), depth=IN_FLIGHT)


class _Prepared(NamedTuple):
    """A photo on its way, large ones undecoded."""

    job: Job
    content: bytes
    said: MadeBy
    photo: Photo | None


class _Answered(NamedTuple):
    """A photo with its colours."""

    prepared: _Prepared
    photo: Photo
    seen: np.ndarray
    answer: Answer
    notes: tuple[str, ...]
    remark: str


class _Album:
    """The three steps of a photo. Each hands on an Outcome as it is."""

    def __init__(
        self,
        wish: Wish,
        model: Callable[[], Colorizer],
        read: Callable[[Path], bytes],
        refused: dict[Path, str],
    ):
        self.wish, self.model, self.read, self.refused = wish, model, read, refused
        self.hints = None if wish.hints is None else read(wish.hints)
        self.reference, self.manner = None, wish.manner
        if wish.manner.reference is not None:
            self.reference = read(wish.manner.reference)
            rgb = open_photo(self.reference, name=str(wish.manner.reference)).rgb
            self.manner = msgspec.structs.replace(wish.manner, reference=rgb)

    def prepared(self, job: Job) -> _Prepared | Outcome:
        """Beside the model: read, looked up, decoded."""
        if job.result.parent in self.refused and job.result != STANDARD:
            return Outcome(job, "failed", "a folder that cannot be written", self.refused[job.result.parent])
        if self.wish.resume and job.result != STANDARD and job.result.is_file():
            return Outcome(job, "there")
        try:
            content = self.read(job.photo)
        except ZooError as error:
            return Outcome(job, "failed", "cannot be read", str(error))
        try:
            said = made_by(
                self.wish.origin,
                content,
                self.wish.form,
                self.wish.manner,
                hints=self.hints,
                reference=self.reference,
                draw=job.draw,
            )
            found = _found(job, said, self.wish)
        except ZooError as error:
            return Outcome(job, "failed", "no place for its result", str(error))
        if found is not None:
            return found
        try:
            width, height = photo_size(content, name=_shown(job.photo))
            return _Prepared(job, content, said, None if width * height > LARGE else _opened(job, content))
        except ZooError as error:
            return Outcome(job, "failed", "no photo that can be read", _about(job, str(error)))

    def looked_at(self, prepared: _Prepared | Outcome) -> _Answered | Outcome:
        """The model's part; a large photo is finished here."""
        if isinstance(prepared, Outcome):
            return prepared
        job = prepared.job
        colorizer = self.model()
        try:
            photo = prepared.photo or _opened(job, prepared.content)
            answer = self._answered(prepared, photo, colorizer)
        except ZooError as error:
            return Outcome(job, "failed", "no colours for it", _about(job, str(error)))
        except Exception as error:  # a model may be anybody's, and one photo costs itself alone
            reason = f"{colorizer.name} failed on it ({type(error).__name__}: {reason_of(error)})"
            sentence = f"{_shown(job.photo)}: {reason}; choose another model, or a smaller --size."
            return Outcome(job, "failed", "the model failed", sentence, error=error)
        return answer if prepared.photo else self.written(answer)

    def _answered(self, prepared: _Prepared, photo: Photo, colorizer: Colorizer) -> _Answered:
        given: Hints | None = None
        remark = ""
        if self.wish.hints is not None:
            given, remark = read_hints(self.wish.hints, photo.rgb, self.hints)
        rgb = untoned(photo.rgb) if self.manner.from_sepia else photo.rgb
        notes = list(photo.notes)
        alpha = _alpha(photo.image)
        seen = rgb
        if alpha is not None and FORMATS[self.wish.form].alpha:
            seen = np.asarray(photo.image.convert("RGB"))
            seen = untoned(seen) if self.manner.from_sepia else seen
        elif alpha is not None and alpha.min() < 255:
            notes.append(f"{self.wish.form} has no transparency, the result is shown over white")
        answer = answered(colorizer, rgb, given, self.manner, prepared.job.draw)
        return _Answered(prepared, photo, seen, answer, tuple(notes), remark)

    def written(self, answered: _Answered | Outcome) -> Outcome:
        """Beside the model again: brought up to full size, encoded and written."""
        if isinstance(answered, Outcome):
            return answered
        job, content, said, _ = answered.prepared
        try:
            metadata = read_metadata(content)
            metadata.say(said.line())
            picture = answered.answer.picture
            if picture is None:
                picture = finished(answered.seen, answered.answer, self.manner)
            alpha = _alpha(answered.photo.image) if FORMATS[self.wish.form].alpha else None
            written = sealed(encode(picture, self.wish.form, alpha=alpha, metadata=metadata))
            if job.result != STANDARD:
                write_whole(job.result, written)
                written = b""
        except ZooError as error:
            return Outcome(job, "failed", "its result cannot be written", _about(job, str(error)))
        except Exception as error:  # such as memory that runs out: one photo costs itself alone
            reason = f"bringing it to full size failed ({type(error).__name__}: {reason_of(error)})"
            sentence = f"{_shown(job.photo)}: {reason}; choose another --upsampling, or free memory."
            return Outcome(job, "failed", "its result cannot be made", sentence, error=error)
        notes = (*answered.notes, *metadata.notes)
        lacks = lack_of_colour(answered.answer.ab)
        return Outcome(job, "colorized", notes=notes, remark=answered.remark, lacks=lacks, content=written)


def _opened(job: Job, content: bytes) -> Photo:
    return open_photo(content, name=_shown(job.photo))


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
    sentence = f"{job.result} {changed} and is kept as it is; --overwrite replaces it."
    return Outcome(job, "kept", "not ours" if there is None else "changed by hand", sentence)


def _alpha(image: Image.Image) -> np.ndarray | None:
    return np.asarray(image.getchannel("A")) if image.mode == "RGBA" else None


def _about(job: Job, sentence: str) -> str:
    """The sentence, beginning with the photo's name if it does not name it."""
    named = _shown(job.photo) in sentence or job.result.name in sentence
    return sentence if named else f"{_shown(job.photo)}: {sentence}"


def _shown(photo: Path) -> str:
    return "standard input" if photo == STANDARD else str(photo)
