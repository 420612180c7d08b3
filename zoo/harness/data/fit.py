"""Photos brought to one size, in order, by a few threads."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from zoo.core.contracts import Dataset
from zoo.core.errors import BadInput, ContractError
from zoo.core.photo_files import PIXEL_LIMIT
from zoo.core.process import usable_cores
from zoo.harness.data.bank import SMALLEST_SIDE, Fit

PIXELS_IN_FLIGHT = PIXEL_LIMIT
"""A photo as large as one may be is decoded alone: with transparency it takes 3 GB until it is reduced."""

_CHUNK = 64


def fit_photo(photo: np.ndarray, side: int, fit: Fit) -> np.ndarray:
    """uint8 (H, W, 3) → uint8 (side, side, 3), Lanczos; see :data:`Fit`."""
    height, width = photo.shape[:2]
    if (height, width) == (side, side):
        return photo
    box: tuple[float, float, float, float] = (0, 0, width, height)
    if fit == "crop":
        # The square is cut while resizing, not after: 16×80000 must not become 256×1280000 first.
        short = min(height, width)
        left, top = (width - short) / 2, (height - short) / 2
        box = (left, top, left + short, top + short)
    resized = Image.fromarray(photo).resize((side, side), Image.Resampling.LANCZOS, box=box)
    return np.asarray(resized)


class Fitted(NamedTuple):
    """The photo at ``position`` as uint8 (side, side, 3); or None and the ``reason`` why it is skipped.

    ``notes`` are what was converted or assumed in reading it.
    """

    position: int
    photo: np.ndarray | None
    reason: str
    notes: tuple[str, ...]


def fitted(dataset: Dataset, side: int, fit: Fit, smallest: int = SMALLEST_SIDE) -> Iterator[Fitted]:
    """Every photo in order; those with a side shorter than ``smallest`` are skipped.

    Where the data set says how large its photos are (``pixels(index)``), no more than one photo of
    :data:`PIXELS_IN_FLIGHT` pixels, or several that together have as many, are decoded at a time.

    Raises:
        ContractError: the data set yields something other than uint8 (H, W, 3).
        Changed: a photo was replaced since the data set was opened.
    """
    budget = PixelBudget(PIXELS_IN_FLIGHT)

    source: Any = dataset

    def decode(index: int) -> Fitted:
        try:
            with budget.spent(source.pixels(index) if hasattr(source, "pixels") else 0):
                photo, notes = read_with_notes(source, index)
                _check_photo(photo, dataset, index)
                height, width = photo.shape[:2]
                if min(height, width) < smallest:
                    return Fitted(index, None, f"too small ({width}×{height}; {smallest} pixels are the least)", ())
                return Fitted(index, fit_photo(photo, side, fit), "", notes)
        except (BadInput, OSError) as error:
            return Fitted(index, None, str(error), ())

    with ThreadPoolExecutor(min(8, usable_cores())) as pool:
        # In chunks: the pool would otherwise decode far ahead of the disk and fill the memory.
        for start in range(0, len(dataset), _CHUNK):
            yield from pool.map(decode, range(start, min(start + _CHUNK, len(dataset))))


def read_with_notes(source: Any, index: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """A photo and what is to be said of it, where the data set says anything."""
    if not hasattr(source, "photo"):
        return source[index], ()
    opened = source.photo(index)
    return opened.rgb, opened.notes  # the decoded picture itself is let go here


def _check_photo(photo: Any, dataset: Dataset, index: int) -> None:
    right = isinstance(photo, np.ndarray) and photo.dtype == np.uint8
    if not right or photo.ndim != 3 or photo.shape[2] != 3 or photo.size == 0:
        found = f"{getattr(photo, 'dtype', type(photo).__name__)} {tuple(getattr(photo, 'shape', ()))}"
        raise ContractError(
            f"The data set {type(dataset).__name__} yields {found} at index {index}; "
            "a uint8 array (H, W, 3) is expected."
        )


class PixelBudget:
    """Lets threads decode as long as their photos together have at most ``limit`` pixels: a file of a few kilobytes can
    unfold to gigabytes, and threads multiply it. A photo above the limit waits until it is alone.
    """

    def __init__(self, limit: int):
        self._limit = limit
        self._in_flight = 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def spent(self, pixels: int) -> Iterator[None]:
        """Wait until ``pixels`` more fit, and hold them within the block."""
        wanted = min(pixels, self._limit)
        with self._changed:
            self._changed.wait_for(lambda: self._in_flight + wanted <= self._limit)
            self._in_flight += wanted
        try:
            yield
        finally:
            with self._changed:
                self._in_flight -= wanted
                self._changed.notify_all()
