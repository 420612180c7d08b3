"""Colours carried along a film, so that it does not flicker.

A frame's colours are moved to the next one where the picture is found again there (:mod:`zoo.core.motion`). What a
model sees then are the frame and, if it reads hints, carried colours at the points of a grid; its answer fills what
was not found, and draws what was a little towards itself, so that no mistake stays for good. Colours that come
from a key frame are drawn by no answer: a person chose them. At a cut all begins anew.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import torch
from PIL import Image

from zoo.core.color import AB_SCALE
from zoo.core.colorizer import Colorizer
from zoo.core.motion import Found, motion
from zoo.studio.colorize import answered
from zoo.studio.manner import Manner

GRID = 8
"""Working pixels between carried colours that a model is given as hints: of a frame one pixel in 64."""

DRAWN = 0.1
"""By how much of their distance a model's answer draws carried colours to itself."""


class Carried(NamedTuple):
    """Colours of a frame that were found elsewhere in the film.

    Attributes:
        ab: float32 (h, w, 2), divided by 110.
        trust: float32 (h, w) in 0…1, how far they hold; 0 where there are none.
        given: float32 (h, w) in 0…1, how much of them a key frame gave.
    """

    ab: np.ndarray
    trust: np.ndarray
    given: np.ndarray

    def along(self, found: Found) -> Carried:
        """The same colours in the neighbouring frame whose pixels were found in this one."""
        given = np.clip(found.taken_from(self.given), 0, 1)
        trust = np.clip(found.taken_from(self.trust), 0, 1) * found.trust
        return Carried(found.taken_from(self.ab), trust, given * found.trust)


class Coming(Protocol):
    """Who knows the colours of key frames to come."""

    def at(self, number: int) -> tuple[Carried, int] | None:
        """Those of the next key frame in a frame before it, and how many frames lie between; None where none comes.

        Asked for one frame after another.
        """
        ...


class Colours:
    """The colours of a film's frames, one after another.

    Args:
        steady: carry colours along; else every frame is coloured on its own.
        coming: tells the colours of key frames to come.
    """

    def __init__(self, model: Colorizer, manner: Manner, *, reads_hints: bool, steady: bool, coming: Coming | None):
        self.model, self.manner = model, manner
        self.reads_hints, self.steady, self.coming = reads_hints, steady, coming
        self.shots = 0
        self._grey: np.ndarray | None = None
        self._before: Carried | None = None

    def of(self, number: int, small: np.ndarray, key: np.ndarray | None = None) -> np.ndarray:
        """The ab of the next frame: float32 (h, w, 2), divided by 110.

        Args:
            small: the frame at its working size, uint8 (h, w, 3).
            key: its ab, where it is a key frame.

        Raises:
            BadInput, Diverged: as :func:`zoo.studio.colorize.colorize`.
        """
        known = self._known(number, grey_of(small))
        ab = self._coloured(small, known) if key is None else key
        whole = np.ones(ab.shape[:2], np.float32)
        given = whole if key is not None else known.given * known.trust if known is not None else 0 * whole
        self._before = Carried(ab, whole, given)
        return ab

    def _known(self, number: int, grey: np.ndarray) -> Carried | None:
        """What is known of a frame's colours from the frames around it."""
        carried = None
        if self._grey is None or self._before is None:
            self.shots += 1
        else:
            found = motion(self._grey, grey).later
            self.shots += found.is_cut
            carried = None if found.is_cut else self._before.along(found)
        self._grey = grey
        if not self.steady:
            return None
        coming = None if self.coming is None else self.coming.at(number)
        if coming is None or carried is None:
            return carried if coming is None else coming[0]
        return _blended(carried, *coming)

    def _coloured(self, small: np.ndarray, known: Carried | None) -> np.ndarray:
        hints = None if known is None or not self.reads_hints else _grid(known)
        answer = answered(self.model, small, hints, self.manner).ab
        ab: np.ndarray = answer[0].permute(1, 2, 0).cpu().numpy()
        if known is None:
            return ab
        kept = (known.trust * (1 - DRAWN * (1 - known.given)))[..., None]
        mixed: np.ndarray = kept * known.ab + (1 - kept) * ab
        return mixed


def grey_of(small: np.ndarray) -> np.ndarray:
    """uint8 (h, w), in which motion is sought."""
    return np.asarray(Image.fromarray(small).convert("L"))


def _blended(carried: Carried, coming: Carried, between: int) -> Carried:
    """Both, by distance.

    What was carried has in it already what came of the blends before. With a weight of 1 / (frames left + 1) each, the
    blends together go in a straight line from the one key frame to the other.
    """
    weight = 1 / (between + 1)
    first, second = carried.trust * (1 - weight), coming.trust * weight
    share = (second / np.maximum(first + second, 1e-6)).astype(np.float32)

    def mixed(one: np.ndarray, other: np.ndarray, by: np.ndarray = share) -> np.ndarray:
        both: np.ndarray = one + by * (other - one)
        return both

    return Carried(
        mixed(carried.ab, coming.ab, share[..., None]),
        np.maximum(carried.trust, coming.trust),
        mixed(carried.given, coming.given),
    )


def _grid(known: Carried) -> tuple[np.ndarray, np.ndarray] | None:
    """Hints, as a colorizer takes them: the colours at the points of a grid that are trusted."""
    mask = np.zeros(known.trust.shape, bool)
    points = (slice(GRID // 2, None, GRID),) * 2
    mask[points] = known.trust[points] > 0.5
    return (known.ab * AB_SCALE, mask) if mask.any() else None


def planes_of(ab: np.ndarray) -> torch.Tensor:
    """(h, w, 2) → (1, 2, h, w)."""
    return torch.from_numpy(np.ascontiguousarray(ab)).permute(2, 0, 1)[None]
