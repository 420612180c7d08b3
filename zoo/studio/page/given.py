"""A photo as a browser has given it, and as the page shows it."""

from __future__ import annotations

from pathlib import PurePath
from typing import NamedTuple

import numpy as np

from zoo.core.color import join_lab, split_lab, to_uint8
from zoo.core.errors import BadInput
from zoo.core.photo import photo_size, read_photo
from zoo.core.photo_files import pixel_limit
from zoo.studio.condition import planes, reduced, working_size
from zoo.studio.formats import encode

SHOWN = 1024
"""Pixels of the longer side; smaller photos are not enlarged."""

PIXELS = 50_000_000
"""A photo of more is refused: each browser's photo stays in memory."""

BYTES = 64 * 2**20
"""So is a larger file."""


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

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, as it is shown."""
        return self.shown.shape[0], self.shown.shape[1]

    @property
    def side(self) -> int:
        """The photo's longer side."""
        return max(self.photo.shape[:2])

    def place(self, x: float, y: float) -> tuple[float, float]:
        """The place in the photo of one in the shown picture, or beside it."""
        height, width = self.photo.shape[:2]
        x, y = x / self.scale[0] - 0.5, y / self.scale[1] - 0.5
        return round(min(max(x, 0), width - 1), 1), round(min(max(y, 0), height - 1), 1)

    def grey(self) -> bytes:
        """Its lightness as it is shown, as a JPEG."""
        lightness, ab = split_lab(planes(self.shown))
        return encode(to_uint8(join_lab(lightness, 0 * ab))[0].permute(1, 2, 0).numpy(), "jpg")


def given_photo(content: bytes, name: str) -> Given:
    """Read a photo.

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
    return Given(name, content, photo, reduced(photo, working_size(photo.shape[0], photo.shape[1], SHOWN)))
