"""What a person has put on a photo: points and strokes, upon a hint picture where one was loaded."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from PIL import Image

from zoo.core.color import AB_SCALE
from zoo.core.photo import open_photo, photo_size
from zoo.studio.condition import reduced_hints
from zoo.studio.hint_file import read_hints
from zoo.studio.hint_marks import Mark, Stroke, painted, rgb_of, write_marks
from zoo.studio.hint_picture import Hints

Scale = tuple[float, float]
"""Pixels shown per pixel of the photo, across and down."""


class Painting(NamedTuple):
    """A hint picture: (H, W, 4) RGBA, opaque where a hint is; and its hints at the size of the shown photo."""

    rgba: np.ndarray
    shown: Hints

    def png(self, size: tuple[int, int]) -> bytes:
        """The picture at a height and width."""
        return _png(Image.fromarray(self.rgba).resize(size[::-1], Image.Resampling.NEAREST))


class Hinted(NamedTuple):
    """The hints at one step, ``marks`` in pixels of the photo."""

    marks: tuple[Mark, ...] = ()
    painting: Painting | None = None

    def __bool__(self) -> bool:
        return bool(self.marks) or self.painting is not None

    def file(self) -> tuple[str, bytes]:
        """The suffix and content of what holds them: JSON, or a picture with all of them painted on it."""
        if self.painting is None:
            return "json", write_marks(self.marks)
        rgba = self.painting.rgba.copy()
        height, width = rgba.shape[:2]
        for mark in self.marks:
            rgba[painted([mark], (height, width))[1]] = (*rgb_of(mark.color, "The hint"), 255)
        return "png", _png(Image.fromarray(rgba))

    def shown(self, size: tuple[int, int], scale: Scale) -> Hints | None:
        """As hints of the shown picture, whose height and width are ``size``; None where there are none."""
        if not self:
            return None
        ab, mask = painted([smaller(mark, scale) for mark in self.marks], size)
        if self.painting is not None:
            below, there = self.painting.shown
            ab, mask = np.where(mask[..., None], ab, below), mask | there
        return ab, mask


def read_painting(content: bytes, name: str, photo: np.ndarray, shown: tuple[int, int]) -> tuple[Painting, str]:
    """A hint picture, and what was left out of it, if anything: a sentence.

    Args:
        photo: uint8 (H, W, 3).
        shown: height and width of the shown picture.

    Raises:
        BadInput: as :func:`zoo.studio.hint_file.read_hints`.
    """
    (ab, mask), remark = read_hints(Path(name), photo, content)
    rgb = np.asarray(open_photo(content, name=name).image.convert("RGB"))
    small_ab, small = reduced_hints((ab, mask), photo.shape[:2], shown)
    hints = small_ab[0].permute(1, 2, 0).numpy() * AB_SCALE, small[0, 0].numpy() > 0
    return Painting(np.dstack((rgb, mask * np.uint8(255))), hints), remark


def is_hint_picture(content: bytes, name: str, photo: np.ndarray) -> bool:
    """Whether a picture has transparency, and the size of the photo (H, W, 3)."""
    if photo_size(content, name=name) != photo.shape[1::-1]:
        return False
    image = open_photo(content, name=name).image
    return image.mode == "RGBA" and bool(np.asarray(image.getchannel("A")).min() < 128)


def distance(mark: Mark, x: float, y: float) -> float:
    """From a place to a mark's own, or to its line."""
    far = math.inf
    for (x0, y0), (x1, y1) in pairwise((places_of(mark)[0], *places_of(mark))):
        dx, dy = x1 - x0, y1 - y0
        along = min(max(((x - x0) * dx + (y - y0) * dy) / ((dx * dx + dy * dy) or 1), 0), 1)
        far = min(far, math.hypot(x - x0 - along * dx, y - y0 - along * dy))
    return far


def places_of(mark: Mark) -> Sequence[tuple[float, float]]:
    """A stroke's points, or the one of a point."""
    return mark.points if isinstance(mark, Stroke) else ((mark.x, mark.y),)


def place(x: float, y: float, scale: Scale) -> tuple[float, float]:
    """A place in the smaller picture; whole numbers are the centres of pixels in both."""
    return (x + 0.5) * scale[0] - 0.5, (y + 0.5) * scale[1] - 0.5


def smaller(mark: Mark, scale: Scale) -> Mark:
    """A mark in pixels of the smaller picture."""
    if isinstance(mark, Stroke):
        points = tuple(place(x, y, scale) for x, y in mark.points)
        return msgspec.structs.replace(mark, points=points, width=mark.width * max(scale))
    x, y = place(mark.x, mark.y, scale)
    return msgspec.structs.replace(mark, x=x, y=y, radius=mark.radius * max(scale))


def _png(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()
