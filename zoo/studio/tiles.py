"""The overlap-tile strategy: a photo of any size at its own resolution through a network that sees a tile at a time.

As in U-Net (Ronneberger et al. 2015, arXiv:1505.04597, figure 2) a tile is seen with a margin, and only what the
margin does not reach is kept. The margin is the network's reach, measured: how far from a place a change of the photo
still changes the answer there. So tiles and the whole photo give the same colours. Beyond the photo's right and lower
edges tiles see it mirrored, as far as the network's stride asks: just what the untiled network sees.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput
from zoo.studio.device import device_of

FARTHEST = 1024
"""A reach of more pixels is a look at the whole photo: its margin would be larger than most photos."""

_UNCHANGED = 1e-6
"""ab that differ by no more, divided by 110, are equal."""

_BREADTH = 64


class Tile(NamedTuple):
    """Rows and columns, (first, one past the last): what is kept of a tile, and what the network sees of the photo."""

    kept: tuple[tuple[int, int], tuple[int, int]]
    seen: tuple[tuple[int, int], tuple[int, int]]


def tiles(height: int, width: int, *, side: int, margin: int, stride: int) -> Iterator[Tile]:
    """Tiles whose kept parts cover a photo once. What is seen begins at multiples of the stride and ends there too.

    It may end beyond the photo, by less than a stride.
    """
    side, margin = (max(1, -(-each // stride)) * stride if each else 0 for each in (side, margin))

    def along(length: int) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        end = -(-length // stride) * stride
        for first in range(0, length, side):
            yield (first, min(first + side, length)), (max(first - margin, 0), min(first + side + margin, end))

    for rows in along(height):
        for columns in along(width):
            yield Tile((rows[0], columns[0]), (rows[1], columns[1]))


def margin_of(model: Colorizer) -> int:
    """The reach in pixels.

    Raises:
        BadInput: the model looks at the whole photo.
    """
    found = reach(model)
    if found is None:
        raise BadInput(
            f"{model.name} looks at the whole photo (a change more than {FARTHEST} pixels away changes its answer), so "
            "that tiles would not agree with each other; leave --tiles out, or choose a network of convolutions only."
        )
    return found


@lru_cache(maxsize=4)
@torch.no_grad()
def reach(model: Colorizer) -> int | None:
    """How many pixels away a change of lightness or hints still changes the answer; None beyond :data:`FARTHEST`.

    Measured on noise, long and narrow: one half is replaced, and the other half's answer looked at, for each side and
    each direction. It needs no gradient, so it holds for whatever computes the answer.
    """
    training = model.training
    model.eval()
    try:
        for half in (FARTHEST // 8, FARTHEST):
            half = -(-half // model.stride) * model.stride
            found = max(_reach(model, half, upright=upright) for upright in (False, True))
            if found + model.stride < half:
                return found
        return None
    finally:
        model.train(training)


def _reach(model: Colorizer, half: int, *, upright: bool) -> int:
    generator = torch.Generator().manual_seed(0)
    breadth = -(-_BREADTH // model.stride) * model.stride

    def noise(hinted: float) -> Tensor:
        """Lightness from black to white, and hints at that share of the pixels."""
        condition = 2 * torch.rand(1, 4, breadth, 2 * half, generator=generator) - 1
        condition[:, 3:] = ((condition[:, 3:] + 1) / 2 < hinted).float()
        condition[:, 1:3] *= condition[:, 3:]
        return condition

    def answer(condition: Tensor) -> Tensor:
        condition = condition.to(device_of(model))
        ab: Tensor = model(condition.mT if upright else condition)["ab"]
        return (ab.mT if upright else ab)[0]

    # Hints among hints, and the only ones there are: those are carried farthest.
    after, farthest = noise(0.1), 0
    for before in (noise(0.1), noise(0)):
        known = answer(before)
        for changed in (slice(half, None), slice(None, half)):
            other = before.clone()
            other[..., changed] = after[..., changed]
            columns = ((answer(other) - known).abs().amax((0, 1)) > _UNCHANGED).nonzero().flatten()
            columns = columns[columns < half] if changed.start else columns[columns >= half]
            if len(columns):
                farthest = max(farthest, half - int(columns[0]) if changed.start else int(columns[-1]) - half + 1)
    return farthest
