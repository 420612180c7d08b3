"""The pyramid on several grids, and with coarse levels that are swept until they have settled. All tensors."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.core.errors import BadInput
from zoo.parts.layers.sweep import semi_iterated
from zoo.parts.propagators.pyramid import Level, PyramidPropagator, enlarge

HINTS_LIGHTNESS = 0.4
"""As the pyramid's."""

ACCELERATED = 0.9
"""As the pyramid's, for sweeps that begin anew: with 0.95 a level of one photo in a hundred ran away after some two
hundred."""

COARSER_SHARE = 0.6
COARSER_SCREENING = (1.0, 0.3, 0.1, 0.03)
"""By level; those that are coarser still have the last. What comes from above is worth the less the coarser it is."""

CYCLES = (1, 2, 8, 8, 8, 4, 2)
"""Of sweeps, by level; those that are coarser still have the last. By a level's number, since a graph cannot know its
size."""

SPLITS = 4
"""At the most, of ``splits``."""


class SpunPyramidPropagator(PyramidPropagator):
    """condition (N, 4, H, W) to ab (N, 2, H, W) and confidence (N, 1, H, W) in [0, 1]. Any H, W ≥ 1.

    What a pyramid makes of a photo depends on where its cells happen to lie. *Cycle spinning* (Coifman & Donoho
    1995, doi:10.1007/978-1-4612-2544-7_9) takes the mean over several places. Here a level is halved on two grids
    that lie a pixel apart, down and across; each of the two goes on down by itself and is halved so again, ``splits``
    times, and on the way up the two are enlarged and their mean taken, *before* a level is spread: the edges of the
    photo have the last word.

    Coarse levels are swept until they have settled, in cycles of ``sweeps``: Chebyshev's run away if they go on too
    long, and so begin anew.

    Batched, on any device, differentiable, without data-dependent shapes.

    Args:
        sweeps: at the finest level, and in a cycle of the others.
        screening, share: as of the pyramid.
        splits: grids are 2 to the power of ``splits``; 0 is one.

    Raises:
        BadInput: as the pyramid; splits below 0 or above 4.
    """

    hints_lightness = HINTS_LIGHTNESS

    def __init__(self, *, sweeps: int = 20, screening: float = 0.02, share: float = 0.4, splits: int = 2):
        super().__init__(sweeps=sweeps, screening=screening, share=share)
        if not 0 <= splits <= SPLITS:
            raise BadInput(f"spun_pyramid: splits={splits} is not from 0 to {SPLITS}; 2 makes four grids.")
        self.splits = splits

    def halved(self, number: int, *images: Tensor) -> list[Tensor]:
        if number > self.splits:
            return super().halved(number, *images)
        lightness, *sums = images  # beyond the photo it goes on as its edge is, and has no hints
        on_two = [on_two_grids(lightness, mode="replicate"), *(on_two_grids(each, mode="constant") for each in sums)]
        return super().halved(number, *on_two)

    def enlarged(self, colour: Tensor, coarse: Level, fine: Level) -> Tensor:
        if coarse.number > self.splits:
            return super().enlarged(colour, coarse, fine)
        height, width = fine.lightness.shape[-2:]
        first, second = enlarge(colour, coarse.lightness, on_two_grids(fine.lightness, mode="replicate")).chunk(2)
        return (first[..., :height, :width] + second[..., 1 : 1 + height, 1 : 1 + width]) / 2

    def share_at(self, number: int) -> float:
        return self.share * (COARSER_SHARE if number else 1)

    def screening_at(self, number: int) -> float:
        return self.screening * COARSER_SCREENING[min(number, len(COARSER_SCREENING) - 1)]

    def swept(self, level: Level, colour: Tensor, weights: Tensor, source: Tensor) -> Tensor:
        radius = min(1 / (1 + self.screening_at(level.number)), ACCELERATED)
        for _ in range(CYCLES[min(level.number, len(CYCLES) - 1)]):
            colour = semi_iterated(colour, weights, source, sweeps=self.sweeps, radius=radius)
        return colour


PYRAMIDS = {"pyramid": PyramidPropagator, "spun_pyramid": SpunPyramidPropagator}
"""Those without anything to learn, for what stands upon one of them by an option."""


def on_two_grids(image: Tensor, *, mode: str) -> Tensor:
    """(N, C, H, W) to (2N, C, 2h, 2w), h = ⌊H/2⌋ + 1: the image with a frame after it, and with one pixel before it.

    Cells of 2×2 pixels of the second lie between those of the first.
    """
    height, width = image.shape[-2:]
    down, across = 2 * (height // 2 + 1) - height, 2 * (width // 2 + 1) - width
    first = F.pad(image, (0, across, 0, down), mode=mode)
    return torch.cat((first, F.pad(image, (1, across - 1, 1, down - 1), mode=mode)))
