"""One browser's sitting: its photo, the hints placed on it, and what became of them. All of it in memory.

Nothing here knows how it is shown. What is seen is the photo as :mod:`zoo.studio.page.given` shows it; what is saved is
what ``zoo colorize`` makes of the whole photo with the saved hints.
"""

from __future__ import annotations

import secrets
from pathlib import Path, PurePath
from typing import Any

import msgspec

from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput
from zoo.core.origin import Origin
from zoo.core.photo_files import result_stem
from zoo.studio.album import Wish, colorize_album
from zoo.studio.colorize import answered, finished
from zoo.studio.files import STANDARD, Job
from zoo.studio.formats import DEFAULT, FORMATS, encode, format_of
from zoo.studio.hint_marks import Mark, Point, Stroke, is_marks, painted, read_marks, rgb_of
from zoo.studio.manner import Manner
from zoo.studio.page.given import BYTES, Given, given_photo
from zoo.studio.page.hinted import Hinted, Painting, distance, is_hint_picture, place, places_of, read_painting, smaller
from zoo.studio.suggest import Suggestions, suggest

MARKS = 2_000
"""More hints than that are for a file (``zoo colorize --hints``)."""

RADIUS = 0.006
"""Of a placed point, in longer sides of the photo."""

STROKE = 0.012
"""Likewise the width of a painted stroke."""

REACH = 0.02
"""Likewise: a click that is no farther from a mark means this mark."""

PLACES = 1_000
"""A stroke of more is refused; the page sends one every few pixels."""


class Sitting:
    """State, and the steps back and forth in it.

    Attributes:
        token: what its routes are called by; nobody can guess it.
        given: the photo, if there is one.
        selected: which of the marks is meant by :meth:`recolour` and :meth:`remove`.
    """

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(24)
        self.given: Given | None = None
        self.selected: int | None = None
        self._steps = [Hinted()]
        self._at = 0
        self._seen: bytes | None = None

    @property
    def hinted(self) -> Hinted:
        """The hints as they stand."""
        return self._steps[self._at]

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Their points and strokes, in pixels of the photo."""
        return self.hinted.marks

    @property
    def painting(self) -> Painting | None:
        """The hint picture below them."""
        return self.hinted.painting

    @property
    def can_undo(self) -> bool:
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        return self._at < len(self._steps) - 1

    def take_photo(self, content: bytes, name: str) -> None:
        """Begin anew with a photo.

        Raises:
            BadInput: as :func:`zoo.studio.page.given.given_photo`.
        """
        self.given = given_photo(content, name)
        self.selected, self._steps, self._at, self._seen = None, [Hinted()], 0, None

    def take_hints(self, content: bytes, name: str) -> str:
        """Put hints from a file in the place of those that stand: JSON, or a hint picture of the photo's size.

        Returns:
            What was left out of the file, if anything: a sentence.

        Raises:
            BadInput: neither of them, more than :data:`MARKS`, or hints that lie outside of the photo.
        """
        given = self._photo()
        if len(content) > BYTES:
            raise BadInput(f"{name} is larger than {BYTES >> 20} MiB; use zoo colorize --hints.")
        marks = read_marks(content, name) if is_marks(content) else ()
        if len(marks) > MARKS:
            raise BadInput(f"{name} holds {len(marks)} hints and the page takes {MARKS}; use zoo colorize --hints.")
        if marks:
            painted(marks, (given.photo.shape[0], given.photo.shape[1]), name)  # each of them lies in the photo
            self._step(Hinted(marks))
            remark = ""
        else:
            painting, remark = read_painting(content, name, given.photo, given.size)
            self._step(Hinted((), painting))
        self.selected = None
        return remark

    def take_dropped(self, content: bytes, name: str) -> str:
        """A file that was dropped: hints if it is JSON, or has transparency and the photo's size; else a photo.

        Returns, raises: as :meth:`take_hints` and :meth:`take_photo`.
        """
        if is_marks(content) or (self.given is not None and is_hint_picture(content, name, self.given.photo)):
            return self.take_hints(content, name)
        self.take_photo(content, name)
        return ""

    def place(self, x: float, y: float, color: str) -> None:
        """A click at a place of the shown picture: the mark that is there is selected, else a new point is placed.

        Raises:
            BadInput: no photo, no colour, or too many hints.
        """
        x, y = self._photo().place(x, y)
        far = [distance(mark, x, y) for mark in self.marks]
        if far and min(far) <= REACH * self._photo().side:
            self.selected = far.index(min(far))
            return
        self._add(Point(x=x, y=y, color=color, radius=max(1.0, round(RADIUS * self._photo().side, 1))))

    def paint(self, places: Any, color: str) -> None:
        """A stroke along places of the shown picture, [[x, y], …].

        Raises:
            BadInput: no photo, no colour, no list of places, more than :data:`PLACES`, or too many hints.
        """
        try:
            along = msgspec.convert(places, list[tuple[float, float]])
        except msgspec.ValidationError:
            along = []
        if not 0 < len(along) <= PLACES:
            raise BadInput(f"A stroke goes along 1 to {PLACES} places; paint a shorter one.")
        points = tuple(self._photo().place(x, y) for x, y in along)
        self._add(Stroke(points=points, color=color, width=max(2.0, round(STROKE * self._photo().side, 1))))

    def recolour(self, color: str) -> bool:
        """Give the selected mark another colour, if there is one; whether it changed.

        Raises:
            BadInput: no colour.
        """
        rgb_of(color, "The hint")
        if self.selected is None or self.marks[self.selected].color == color:
            return False
        changed = msgspec.structs.replace(self.marks[self.selected], color=color)
        self._change((*self.marks[: self.selected], changed, *self.marks[self.selected + 1 :]))
        return True

    def remove(self) -> None:
        """Take the selected mark away, if there is one."""
        if self.selected is not None:
            self._change((*self.marks[: self.selected], *self.marks[self.selected + 1 :]))
            self.selected = None

    def clear(self) -> None:
        """Take all hints away."""
        if self.hinted:
            self._step(Hinted())
            self.selected = None

    def undo(self) -> None:
        self._move(-1)

    def redo(self) -> None:
        self._move(1)

    def grey(self) -> bytes:
        """The shown photo's lightness, as a JPEG."""
        return self._photo().grey()

    def colour(self, model: Colorizer) -> None:
        """Colour the shown photo by the hints as they stand, for :meth:`seen`.

        Raises:
            BadInput, Diverged: as :func:`zoo.colorize`.
        """
        given, manner = self._photo(), Manner()
        answer = answered(model, given.shown, self.hinted.shown(given.size, given.scale), manner)
        self._seen = encode(finished(given.shown, answer, manner), "jpg")

    def seen(self) -> bytes:
        """The shown photo as it was coloured last, as a JPEG.

        Raises:
            BadInput: it has not been.
        """
        if self._seen is None:
            raise BadInput("There is no picture yet; choose a photo.")
        return self._seen

    def painted(self) -> bytes:
        """The hint picture at the shown size, as a PNG.

        Raises:
            BadInput: there is none.
        """
        if self.painting is None:
            raise BadInput("There is no hint picture; load one.")
        return self.painting.png(self._photo().size)

    def suggested(self, model: Colorizer) -> Suggestions | None:
        """Colours of the place of the selected mark, given the other hints; None where none is selected."""
        if self.selected is None:
            return None
        given, mark = self._photo(), self.marks[self.selected]
        others = tuple(each for each in self.marks if each is not mark)
        at = places_of(mark)[len(places_of(mark)) // 2]
        x, y = place(*at, given.scale)
        hints = Hinted(others, self.painting).shown(given.size, given.scale)
        return suggest(model, given.shown, x, y, hints=hints)

    def saved_photo(self, model: Colorizer, origin: Origin) -> tuple[str, bytes]:
        """A name and the file that ``zoo colorize`` would make of the photo and :meth:`saved_hints`.

        Raises:
            BadInput: no photo, or it cannot be made, and why.
        """
        given = self._photo()
        form = format_of(Path(given.name)) or DEFAULT
        photo, hints = Path("photo") / given.name, Path("hints")
        files = {photo: given.content, hints: self.hinted.file()[1]}
        wish = Wish(origin, form, hints=hints if self.hinted else None)
        (outcome,) = colorize_album([Job(photo, STANDARD)], wish, lambda: model, files.__getitem__)
        if not outcome.content:
            raise BadInput(outcome.reason)
        return result_stem(given.name) + FORMATS[form].suffixes[0], outcome.content

    def saved_hints(self) -> tuple[str, bytes]:
        """A name, and the file that :meth:`take_hints` and ``zoo colorize --hints`` read.

        Raises:
            BadInput: there is none.
        """
        if not self.hinted:
            raise BadInput("There are no hints yet; click on the photo to place one.")
        suffix, content = self.hinted.file()
        return f"{PurePath(self._photo().name).stem}.hints.{suffix}", content

    def shown_marks(self) -> tuple[Mark, ...]:
        """The marks in pixels of the shown picture."""
        return tuple(smaller(mark, self._photo().scale) for mark in self.marks)

    def _photo(self) -> Given:
        if self.given is None:
            raise BadInput("There is no photo yet; choose one, or drop it on the page.")
        return self.given

    def _add(self, mark: Mark) -> None:
        """Add a mark and select it."""
        if len(self.marks) >= MARKS:
            raise BadInput(f"There are {MARKS} hints, and the page takes no more; use zoo colorize --hints.")
        rgb_of(mark.color, "The hint")
        self._change((*self.marks, mark))
        self.selected = len(self.marks) - 1

    def _change(self, marks: tuple[Mark, ...]) -> None:
        self._step(Hinted(marks, self.painting))

    def _step(self, hinted: Hinted) -> None:
        self._steps[self._at + 1 :] = [hinted]
        self._at += 1

    def _move(self, by: int) -> None:
        self._at = min(max(self._at + by, 0), len(self._steps) - 1)
        if self.selected is not None and self.selected >= len(self.marks):
            self.selected = None
