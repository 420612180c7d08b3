"""Hints as JSON: points and strokes with a colour each, which are painted onto the photo one after another.

``[{"x": 120, "y": 80, "color": "#3366cc", "radius": 4}, {"points": [[10, 10], [60, 24]], "color": "red", "width": 9}]``
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any

import msgspec
import numpy as np
import torch
from PIL import ImageColor

from zoo.core.color import rgb_to_lab
from zoo.core.errors import BadInput, did_you_mean
from zoo.core.strict_yaml import decode
from zoo.studio.hint_picture import Hints

RADIUS = 3.0
"""Of a point that says none, in photo pixels."""

_THINNEST = 0.5
"""A thinner stroke would pass between pixels."""

_Length = Annotated[float, msgspec.Meta(ge=0)]


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A disc of one colour.

    Attributes:
        x, y: its centre, in pixels of the upright photo from the left and from the top; a pixel's centre is whole.
        color: ``#rrggbb``, or a name that CSS knows; its lightness is left out.
        radius: in pixels; the pixel at the centre is always in it.
    """

    x: float
    y: float
    color: str
    radius: _Length = RADIUS


class Stroke(msgspec.Struct, frozen=True, kw_only=True):
    """A line through several places, with round ends.

    Attributes:
        points: (x, y) each, as of a :class:`Point`.
        color: as of a :class:`Point`.
        width: in pixels; the pixels at its points are always in it.
    """

    points: Annotated[tuple[tuple[float, float], ...], msgspec.Meta(min_length=1)]
    color: str
    width: _Length = 2 * RADIUS


Mark = Point | Stroke


def is_marks(content: bytes) -> bool:
    """Whether a file of hints is JSON, and no picture: no picture begins with a bracket."""
    return content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"[", b"{")


def read_marks(content: bytes, name: str) -> tuple[Mark, ...]:
    """Points and strokes from JSON.

    Args:
        name: what the file is called in errors.

    Raises:
        BadInput: no JSON, no list, nothing in it, or a mark that is none: with its place in the list.
    """
    try:
        given = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise BadInput(f"{name} is no JSON ({str(error).rstrip('.')}); repair it.") from None
    if not isinstance(given, list) or not given:
        what = "an empty list" if given == [] else f"no list but {type(given).__name__}"
        raise BadInput(f'{name} holds {what}; write [{{"x": 120, "y": 80, "color": "#3366cc", "radius": 4}}, …].')
    return tuple(_mark(each, f"{name}, hint {number} of {len(given)}") for number, each in enumerate(given, 1))


def write_marks(marks: Sequence[Mark]) -> bytes:
    """The JSON that :func:`read_marks` reads, a line a mark."""
    return b"[\n  " + b",\n  ".join(map(msgspec.json.encode, marks)) + b"\n]\n"


def painted(marks: Sequence[Mark], size: tuple[int, int], name: str = "The hints") -> Hints:
    """The marks as hints; where two overlap, the later one stands.

    Args:
        size: the photo's height and width.

    Raises:
        BadInput: a colour that is none, or a place outside of the photo.
    """
    ab, mask = np.zeros((*size, 2), np.float32), np.zeros(size, bool)
    for number, mark in enumerate(marks, 1):
        where = f"{name}, hint {number} of {len(marks)}"
        positions, radius = _shape(mark)
        for x, y in positions:
            if not (-0.5 <= x <= size[1] - 0.5 and -0.5 <= y <= size[0] - 0.5):
                raise BadInput(
                    f"{where}: x={x:g}, y={y:g} is outside of the photo of {size[1]}×{size[0]} pixels; "
                    "give hints that were made for this photo at this size."
                )
        colour = ab_of(rgb_of(mark.color, where))
        for start, end in pairwise(positions) if len(positions) > 1 else [(positions[0], positions[0])]:
            box, near = _near(start, end, radius, size)
            ab[box][near], mask[box][near] = colour, True
    return ab, mask


def rgb_of(color: str, where: str) -> tuple[int, int, int]:
    """``#rrggbb`` or a colour's name → sRGB.

    Raises:
        BadInput: neither.
    """
    try:
        rgb: tuple[int, ...] = ImageColor.getrgb(color)
    except ValueError:
        rgb = ()
    if len(rgb) != 3:  # four of a colour that is transparent
        near = did_you_mean(color, ImageColor.colormap) if color[:1].isalpha() else "write #rrggbb or a colour's name."
        raise BadInput(f"{where}: {color[:40]!r} is no colour; {near}")
    red, green, blue = rgb
    return red, green, blue


def ab_of(rgb: tuple[int, int, int]) -> tuple[float, float]:
    """The a* and b* of an sRGB colour."""
    lab = rgb_to_lab(torch.tensor(rgb, dtype=torch.uint8).reshape(1, 3, 1, 1)).flatten().tolist()
    return lab[1], lab[2]


def _mark(given: Any, where: str) -> Mark:
    kind: type[Mark] = Stroke if isinstance(given, dict) and "points" in given else Point
    mark = decode(given, kind, where)
    rgb_of(mark.color, where)
    return mark


def _shape(mark: Mark) -> tuple[tuple[tuple[float, float], ...], float]:
    """The line's places and half its width."""
    return (((mark.x, mark.y),), mark.radius) if isinstance(mark, Point) else (mark.points, mark.width / 2)


def _near(
    start: tuple[float, float], end: tuple[float, float], radius: float, size: tuple[int, int]
) -> tuple[tuple[slice, slice], np.ndarray]:
    """The pixels whose centres are within ``radius`` of a line: in which box of the photo, and which of that box."""
    radius = max(radius, _THINNEST)
    box = tuple(
        slice(
            math.floor(max(min(start[axis], end[axis]) - radius, 0)),
            math.ceil(min(max(start[axis], end[axis]) + radius, size[1 - axis] - 1)) + 1,
        )
        for axis in (1, 0)
    )
    y, x = np.mgrid[box]
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = ((x - start[0]) * dx + (y - start[1]) * dy) / ((dx * dx + dy * dy) or 1)
    along = along.clip(0, 1)
    near = np.hypot(x - start[0] - along * dx, y - start[1] - along * dy) <= radius
    for position in (start, end):
        column, row = (min(math.floor(position[axis] + 0.5), size[1 - axis] - 1) for axis in (0, 1))
        near[row - box[0].start, column - box[1].start] = True
    return (box[0], box[1]), near
