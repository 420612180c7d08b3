"""How much the colours of a film flicker: how far each frame's are from its neighbour's, where the picture is the same.

Neighbours are aligned by the motion of the film's own lightness, found by another optical flow than the one that
carries colours (:func:`zoo.core.motion.farneback`), and compared by CIEDE2000 where the way there and back agrees.
Lightness changes from frame to frame by itself, through grain and light, and whoever colours a film does not touch it:
``flicker`` gives both frames the later one's lightness, so that it is 0 for a grey film and for colours that stay;
``with_lightness`` does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from zoo.core.color import rgb_to_lab
from zoo.core.errors import BadInput
from zoo.core.film import opened
from zoo.core.motion import Found, farneback, motion
from zoo.harness.metrics.delta_e00 import ciede2000

LONGER_SIDE = 512
"""Frames are reduced by a whole number until they are no larger: what flickers is seen from afar."""


class Flicker(NamedTuple):
    """Of one film.

    Attributes:
        film: its name.
        frames, shots: how many it has. Across a cut nothing is compared.
        flicker: mean ΔE00 of the colours between aligned neighbours.
        with_lightness: the same with each frame's own lightness.
        aligned: the share of pixels that were found in the frame before, and compared.
    """

    film: str
    frames: int
    shots: int
    flicker: float
    with_lightness: float
    aligned: float


def flicker(films: Sequence[Path], lightness: Path) -> list[Flicker]:
    """Films of the same pictures in different colours, frame by frame; NaN where none has a neighbour.

    Args:
        films: read side by side.
        lightness: the film in whose lightness motion is sought, such as the grey one they were made of.

    Raises:
        BadInput: a film that cannot be read, or of another size or length than the others.
    """
    paths = [lightness, *films]
    means: list[list[tuple[float, float]]] = [[] for _ in films]
    aligned: list[float] = []
    frames = shots = 0
    before: list[np.ndarray] = []
    with ExitStack() as stack:
        readers = [stack.enter_context(opened(path)).frames() for path in paths]
        while True:
            read = [next(reader, None) for reader in readers]
            here = [_small(frame.rgb) for frame in read if frame is not None]
            if not here:
                break
            _check(paths, here)
            greys = [_grey(each[0]) for each in (before, here) if each]
            cut = not before or motion(greys[0], greys[1]).later.is_cut
            shots += cut
            if not cut:
                found = motion(greys[0], greys[1], farneback).later
                aligned.append(float(found.trust.mean()))
                for scores, earlier, later in zip(means, before[1:], here[1:], strict=True):
                    scores.append(_apart(found, _lab(earlier), _lab(later)))
            before, frames = here, frames + 1
    share = float(np.mean(aligned)) if aligned else float("nan")
    mean = [np.mean(scores, axis=0) if scores else np.full(2, np.nan) for scores in means]
    return [
        Flicker(path.name, frames, shots, float(colours), float(all_of_it), share)
        for path, (colours, all_of_it) in zip(films, mean, strict=True)
    ]


def _check(paths: Sequence[Path], here: Sequence[np.ndarray]) -> None:
    shapes = {image.shape for image in here}
    if len(here) < len(paths) or len(shapes) > 1:
        differ = "lengths" if len(here) < len(paths) else "sizes"
        raise BadInput(f"{' and '.join(map(str, dict.fromkeys(paths)))} have different {differ}; give films of one.")


def _small(rgb: np.ndarray) -> np.ndarray:
    by = -(-max(rgb.shape) // LONGER_SIDE)
    return np.asarray(Image.fromarray(rgb).reduce(by)) if by > 1 else rgb


def _grey(rgb: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(rgb).convert("L"))


def _lab(rgb: np.ndarray) -> np.ndarray:
    """uint8 (h, w, 3) → Lab, float32 (h, w, 3)."""
    lab: np.ndarray = rgb_to_lab(torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
    return lab


def _apart(found: Found, earlier: np.ndarray, later: np.ndarray) -> tuple[float, float]:
    """Mean ΔE00 of a frame to the one before, where it was found there: of the colours alone, and of all."""
    moved = found.taken_from(np.ascontiguousarray(earlier))[found.trust]
    here = later[found.trust]
    colours = np.concatenate((here[:, :1], moved[:, 1:]), axis=1)
    one, other, there = (torch.from_numpy(each.T[None].copy()) for each in (colours, moved, here))
    return float(ciede2000(one, there).mean()), float(ciede2000(other, there).mean())
