"""Key frames propagated to the frames before them, in a film that is read once from its beginning to its end.

A second reader runs ahead to the next key frame of the shot, keeping lightness on disk, and goes back from there frame
by frame, keeping the colours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, NamedTuple

import numpy as np

from zoo.core.film import Film, Frame
from zoo.core.motion import motion
from zoo.studio.carried import Carried, grey_of
from zoo.studio.key_frames import KeyFrames

REACH = 750
"""Frames before a key frame that get its colours, half a minute of most films: what is kept for one is nine bytes a
working pixel, at 512×288 at most 1 GB for all."""


Kept = tuple[IO[bytes], IO[bytes]]


class Looked(NamedTuple):
    """A frame at its working size, and its ab where it is a key frame."""

    small: np.ndarray
    ab: np.ndarray | None


class ComingKeys:
    """The colours of the next key frame in the frames before it; a :class:`zoo.studio.carried.Coming`.

    Args:
        film: opened for this alone.
        look: a frame at its working size, and its ab where it is a key frame.
        kept: two empty files for what is kept of a shot, the lightness and the colours of its frames.
    """

    def __init__(self, film: Film, keys: KeyFrames, look: Callable[[Frame], Looked], kept: Kept):
        self._keys, self._look, self._kept = keys, look, kept
        self._frames: Iterator[Frame] = film.frames()
        self._waiting: Looked | None = None  # the first frame of the next shot, read already
        self._next = 0
        self._known_to = -1
        self._run: _Run | None = None

    def at(self, number: int) -> tuple[Carried, int] | None:
        """See :class:`zoo.studio.carried.Coming`. Raises OSError where a file cannot be written."""
        if number > self._known_to:
            self._run = None
            key = self._keys.after(number)
            if key is not None and key - number <= REACH:
                self._look_ahead(number, key)
        return None if self._run is None else self._run.at(number)

    def _look_ahead(self, number: int, key: int) -> None:
        """From a frame to a key frame, or to the cut before it; then back."""
        run = _Run(number, self._kept)
        before: np.ndarray | None = None
        while self._next <= key:
            looked = self._waiting or self._looked()
            self._waiting = None
            if looked is None:
                break
            if self._next >= number:
                grey = grey_of(looked.small)
                if before is not None and motion(before, grey).later.is_cut:
                    self._waiting = looked
                    break
                before = grey
                run.put(grey)
            self._next += 1
            if self._next > key and looked.ab is not None:
                run.go_back(looked.ab)
                self._run = run
        self._known_to = max(number, self._next - 1)

    def _looked(self) -> Looked | None:
        frame = next(self._frames, None)
        return None if frame is None else self._look(frame)


class _Run:
    """Frames of one shot up to a key frame: their lightness, then the colours that come to them."""

    def __init__(self, first: int, kept: Kept):
        self.first = first
        self.length = 0
        self._greys, self._colours = kept
        self._shape = (0, 0)
        for file in kept:
            file.seek(0)
            file.truncate()

    def put(self, grey: np.ndarray) -> None:
        self._shape = grey.shape
        self._greys.write(grey.tobytes())
        self.length += 1

    def _grey(self, at: int) -> np.ndarray:
        self._greys.seek(at * self._size)
        return np.frombuffer(self._greys.read(self._size), np.uint8).reshape(self._shape)

    @property
    def _size(self) -> int:
        return self._shape[0] * self._shape[1]

    def go_back(self, ab: np.ndarray) -> None:
        """Carry the key frame's colours back to the first frame."""
        whole = np.ones(ab.shape[:2], np.float32)
        carried = Carried(ab, whole, whole)
        after = self._grey(self.length - 1)
        for at in range(self.length - 2, -1, -1):
            grey = self._grey(at)
            carried = carried.along(motion(grey, after).earlier)
            after = grey
            kept = np.dstack((carried.ab, carried.trust, carried.given)).astype(np.float16)
            self._colours.seek(at * kept.nbytes)
            self._colours.write(kept.tobytes())

    def at(self, number: int) -> tuple[Carried, int] | None:
        at, left = number - self.first, self.length - 1 - (number - self.first)
        if left <= 0:
            return None
        size = self._size * 8
        self._colours.seek(at * size)
        kept = np.frombuffer(self._colours.read(size), np.float16).reshape(*self._shape, 4).astype(np.float32)
        return Carried(np.ascontiguousarray(kept[..., :2]), kept[..., 2].copy(), kept[..., 3].copy()), left
