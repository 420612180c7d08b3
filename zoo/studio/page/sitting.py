"""One browser's sitting: its photo, the hints placed on it, and what became of them. All of it in memory.

Nothing here knows how it is shown. What is seen is the photo with a longer side of :data:`SHOWN` pixels at most; what
is saved is what ``zoo colorize`` makes of the whole photo with the saved hints.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

import msgspec
import numpy as np
import torch
from PIL import Image

from zoo.core.color import join_lab, split_lab, to_uint8
from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput
from zoo.core.origin import Origin
from zoo.core.photo import photo_size, read_photo
from zoo.core.photo_files import pixel_limit, result_stem
from zoo.studio.album import Wish, colorize_album
from zoo.studio.colorize import answered, finished
from zoo.studio.files import STANDARD, Job
from zoo.studio.formats import DEFAULT, FORMATS, encode, format_of
from zoo.studio.hint_marks import Mark, Point, Stroke, painted, read_marks, rgb_of, write_marks
from zoo.studio.manner import Manner
from zoo.studio.suggest import Suggestions, suggest

SHOWN = 1024
"""Pixels of the longer side; smaller photos are not enlarged."""

PIXELS = 50_000_000
"""A photo of more is refused: each browser's photo stays in memory."""

BYTES = 64 * 2**20
"""So is a larger file."""

MARKS = 2_000
"""More hints than that are for a file (``zoo colorize --hints``)."""

RADIUS = 0.006
"""Of a placed point, in longer sides of the photo."""

REACH = 0.02
"""Likewise: a click that is no farther from a point means this point."""


class Given(NamedTuple):
    """A photo as it came and as it is shown, (H, W, 3) and (h, w, 3)."""

    name: str
    content: bytes
    photo: np.ndarray
    shown: np.ndarray

    @property
    def scale(self) -> tuple[float, float]:
        """Pixels shown per pixel of the photo, across and down."""
        return self.shown.shape[1] / self.photo.shape[1], self.shown.shape[0] / self.photo.shape[0]


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
        self._steps: list[tuple[Mark, ...]] = [()]
        self._at = 0
        self._seen: bytes | None = None

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The hints as they stand, in pixels of the photo."""
        return self._steps[self._at]

    @property
    def can_undo(self) -> bool:
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        return self._at < len(self._steps) - 1

    def take_photo(self, content: bytes, name: str) -> None:
        """Begin anew with a photo.

        Raises:
            BadInput: no photo, or more of it than :data:`BYTES` or :data:`PIXELS`.
        """
        name = PurePath(name.replace("\\", "/")).name[-200:] or "photo"
        if len(content) > BYTES:
            raise BadInput(f"{name} is larger than {BYTES >> 20} MiB; save it smaller, or use zoo colorize --hints.")
        width, height = photo_size(content, name=name)
        if width * height > min(PIXELS, pixel_limit()):
            limit = min(PIXELS, pixel_limit()) / 1e6
            raise BadInput(
                f"{name} has {width}×{height} pixels and the page takes {limit:g} megapixels; save it smaller, or use "
                "zoo colorize --hints."
            )
        photo = read_photo(content, name=name)
        scale = min(1.0, SHOWN / max(photo.shape[:2]))
        size = (max(1, round(photo.shape[1] * scale)), max(1, round(photo.shape[0] * scale)))
        shown = photo if scale == 1 else np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.LANCZOS))
        self.given = Given(name, content, photo, shown)
        self.selected, self._steps, self._at, self._seen = None, [()], 0, None

    def take_hints(self, content: bytes, name: str) -> None:
        """Put saved hints in the place of those that stand.

        Raises:
            BadInput: no JSON of hints, more than :data:`MARKS`, or hints that lie outside of the photo.
        """
        height, width = self._photo().photo.shape[:2]
        marks = read_marks(content, name)
        if len(marks) > MARKS:
            raise BadInput(f"{name} holds {len(marks)} hints and the page takes {MARKS}; use zoo colorize --hints.")
        painted(marks, (height, width), name)
        self._step(marks)
        self.selected = None

    def place(self, x: float, y: float, color: str) -> None:
        """A click at a place of the shown picture: the point that is there is selected, else a new one is placed.

        Raises:
            BadInput: no photo, no colour, or too many hints.
        """
        given = self._photo()
        height, width = given.photo.shape[:2]
        x = min(max(x / given.scale[0] - 0.5, 0), width - 1)
        y = min(max(y / given.scale[1] - 0.5, 0), height - 1)
        far = [math.hypot(m.x - x, m.y - y) if isinstance(m, Point) else math.inf for m in self.marks]
        side = max(height, width)
        if far and min(far) <= REACH * side:
            self.selected = far.index(min(far))
            return
        if len(self.marks) >= MARKS:
            raise BadInput(f"There are {MARKS} hints, and the page takes no more; use zoo colorize --hints.")
        rgb_of(color, "The point")
        point = Point(x=round(x, 1), y=round(y, 1), color=color, radius=max(1.0, round(RADIUS * side, 1)))
        self._step((*self.marks, point))
        self.selected = len(self.marks) - 1

    def recolour(self, color: str) -> bool:
        """Give the selected mark another colour, if there is one; whether it changed.

        Raises:
            BadInput: no colour.
        """
        rgb_of(color, "The point")
        if self.selected is None or self.marks[self.selected].color == color:
            return False
        changed = msgspec.structs.replace(self.marks[self.selected], color=color)
        self._step((*self.marks[: self.selected], changed, *self.marks[self.selected + 1 :]))
        return True

    def remove(self) -> None:
        """Take the selected mark away, if there is one."""
        if self.selected is not None:
            self._step((*self.marks[: self.selected], *self.marks[self.selected + 1 :]))
            self.selected = None

    def clear(self) -> None:
        """Take all marks away."""
        if self.marks:
            self._step(())
            self.selected = None

    def undo(self) -> None:
        self._move(-1)

    def redo(self) -> None:
        self._move(1)

    def grey(self) -> bytes:
        """The shown photo's lightness, as a JPEG."""
        shown = self._photo().shown
        lightness, ab = split_lab(torch.from_numpy(shown.copy()).permute(2, 0, 1)[None])
        return encode(to_uint8(join_lab(lightness, 0 * ab))[0].permute(1, 2, 0).numpy(), "jpg")

    def colour(self, model: Colorizer) -> None:
        """Colour the shown photo by the hints as they stand, for :meth:`seen`.

        Raises:
            BadInput, Diverged: as :func:`zoo.colorize`.
        """
        given, manner = self._photo(), Manner()
        answer = answered(model, given.shown, self._hints(self.marks), manner)
        self._seen = encode(finished(given.shown, answer, manner), "jpg")

    def seen(self) -> bytes:
        """The shown photo as it was coloured last, as a JPEG.

        Raises:
            BadInput: it has not been.
        """
        if self._seen is None:
            raise BadInput("There is no picture yet; choose a photo.")
        return self._seen

    def suggested(self, model: Colorizer) -> Suggestions | None:
        """Colours that the selected place may have, given the other hints; None where no point is selected."""
        mark = None if self.selected is None else self.marks[self.selected]
        if not isinstance(mark, Point):
            return None
        given, others = self._photo(), [each for each in self.marks if each is not mark]
        x, y = _place(mark.x, mark.y, given.scale)
        return suggest(model, given.shown, x, y, hints=self._hints(others))

    def saved_photo(self, model: Colorizer, origin: Origin) -> tuple[str, bytes]:
        """A name and the file that ``zoo colorize`` would make of the photo and :meth:`saved_hints`.

        Raises:
            BadInput: no photo, or it cannot be made, and why.
        """
        given = self._photo()
        form = format_of(Path(given.name)) or DEFAULT
        files = {Path("photo") / given.name: given.content, Path("hints.json"): write_marks(self.marks)}
        wish = Wish(origin, form, hints=Path("hints.json") if self.marks else None)
        photo = next(iter(files))
        (outcome,) = colorize_album([Job(photo, STANDARD)], wish, lambda: model, files.__getitem__)
        if not outcome.content:
            raise BadInput(outcome.reason)
        return result_stem(given.name) + FORMATS[form].suffixes[0], outcome.content

    def saved_hints(self) -> tuple[str, bytes]:
        """A name, and the JSON that :meth:`take_hints` and ``zoo colorize --hints`` read.

        Raises:
            BadInput: there is none.
        """
        if not self.marks:
            raise BadInput("There are no hints yet; click on the photo to place one.")
        return f"{PurePath(self._photo().name).stem}.hints.json", write_marks(self.marks)

    def shown_marks(self) -> tuple[Mark, ...]:
        """The marks in pixels of the shown picture."""
        return tuple(_smaller(mark, self._photo().scale) for mark in self.marks)

    def _photo(self) -> Given:
        if self.given is None:
            raise BadInput("There is no photo yet; choose one, or drop it on the page.")
        return self.given

    def _hints(self, marks: Sequence[Mark]) -> tuple[np.ndarray, np.ndarray] | None:
        height, width = self._photo().shown.shape[:2]
        return painted([_smaller(mark, self._photo().scale) for mark in marks], (height, width)) if marks else None

    def _step(self, marks: tuple[Mark, ...]) -> None:
        self._steps[self._at + 1 :] = [marks]
        self._at += 1

    def _move(self, by: int) -> None:
        self._at = min(max(self._at + by, 0), len(self._steps) - 1)
        if self.selected is not None and self.selected >= len(self.marks):
            self.selected = None


def _place(x: float, y: float, scale: tuple[float, float]) -> tuple[float, float]:
    """A place in the smaller picture; whole numbers are the centres of pixels in both."""
    return (x + 0.5) * scale[0] - 0.5, (y + 0.5) * scale[1] - 0.5


def _smaller(mark: Mark, scale: tuple[float, float]) -> Mark:
    if isinstance(mark, Stroke):
        points = tuple(_place(x, y, scale) for x, y in mark.points)
        return msgspec.structs.replace(mark, points=points, width=mark.width * max(scale))
    x, y = _place(mark.x, mark.y, scale)
    return msgspec.structs.replace(mark, x=x, y=y, radius=mark.radius * max(scale))
