"""Hints spread over a pyramid: coarse levels carry a colour far, fine ones keep it inside its region. All tensors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.errors import BadInput
from zoo.parts.layers.affinity import affinity
from zoo.parts.layers.sweep import semi_iterated

TRUST_A_LEVEL = 0.5
"""Confidence is halved with every level a colour had to come down from: about 1/distance to the nearest hint."""

ACCELERATED = 0.95
"""Chebyshev's sweeps are made for a spectrum in ±0.95. Levin's weights are not symmetric (σ_r is the pixel's own), so
that theirs is not quite real: with ±1/(1 + λ) the sweeps run away after some fifty; so made, they bear imaginary parts
up to √(1 − 0.95²) = 0.31, and the rest of the spectrum is slower by as much as does not matter."""

HINTS_LIGHTNESS = 0.3
"""How far the lightness of a coarse cell with hints is that of these hints alone: of all that it covers, its colour
belongs to them."""

COARSER_SHARE, COARSER_SCREENING, COARSER_SWEEPS = 0.75, 0.3, 2
"""What the options of the finest level are multiplied by at the others, whose windows hold more edges, whose colours
from above are nearly none, and whose sweeps cost a quarter or less."""

LEVELS_OF_A_GRAPH = 10
"""Halvings in an exported graph, which cannot know how large its photos will be: one pixel from 1024 on a side. Those
of a smaller photo go on from its one pixel, which they leave as it is."""

_EMPTY = 1e-8


class Level(NamedTuple):
    """One level of the pyramid, (N, C, H, W) each: lightness in [0, 1], the hints' mean ab, where there is one.

    ``number`` is 0 at the photo's size.
    """

    lightness: Tensor
    colour: Tensor
    known: Tensor
    number: int


class PyramidPropagator(nn.Module):
    """condition (N, 4, H, W) to ab (N, 2, H, W) and confidence (N, 1, H, W) in [0, 1]. Any H, W ≥ 1.

    Hints are averaged down a pyramid with their weights, to one pixel. From coarse to fine, each level's colours
    are enlarged by a joint bilateral filter on lightness (Kopf et al. 2007, doi:10.1145/1276377.1276497), and then
    solve Levin's equations (SIGGRAPH 2004, eq. 2) *screened* towards what came from above, known pixels held::

        (1 + λ) U(r) = Σ_s w_rs U(s) + λ U_above(r)

    The screening says how far a level's own edges are believed against the level above; it also makes one or two
    dozen of Chebyshev's sweeps (Golub & Varga 1961) enough. λ = 0 and very many sweeps would be ``levin2004``.
    A coarse cell with hints in it has a lightness nearer to theirs.

    Batched, on any device, differentiable, without data-dependent shapes. A photo without hints stays grey and
    has confidence 0.

    Args:
        sweeps: at the finest level; twice as many at the others.
        screening: λ, at the finest level; 0.3 times that at the others.
        share: 2σ_r² as a share of the window's variance of lightness, at the finest level; three quarters of it at the
            others. Levin's authors have 0.6.

    Raises:
        BadInput: sweeps below 2, or a screening or share that is not above 0.
    """

    stride = 1
    hints_lightness = HINTS_LIGHTNESS

    def __init__(self, *, sweeps: int = 24, screening: float = 0.01, share: float = 0.4):
        super().__init__()
        if sweeps < 2:
            raise BadInput(f"a pyramid's sweeps={sweeps} spread nothing; give 2 or more, such as 24.")
        if not 0 < screening < math.inf or not 0 < share < math.inf:
            raise BadInput(
                f"a pyramid's screening={screening} and share={share} must be above 0, such as 0.01 and 0.4."
            )
        self.sweeps, self.screening, self.share = sweeps, screening, share

    def forward(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        # Half the time of a small photo without hints is what spreading nothing takes. To look costs a GPU a wait.
        if condition.device.type == "cpu" and not torch.compiler.is_compiling() and not condition[:, 3:].any():
            return torch.zeros_like(condition[:, 1:3]), torch.zeros_like(condition[:, 3:])
        return self.descend(self.levels(condition))

    def descend(self, levels: Sequence[Level], learned: Sequence[Tensor] = ()) -> tuple[Tensor, Tensor]:
        """Colours and confidence at the finest level; weights ``learned`` of the finest ones take Levin's place."""
        colour = levels[-1].colour
        for number in range(len(levels) - 2, -1, -1):
            coarse, fine = levels[number + 1], levels[number]
            above = self.enlarged(colour, coarse, fine)
            colour = self.spread(above, fine, learned[number] if number < len(learned) else None)
        return colour, nearness(levels[0].known.to(colour.dtype))

    def enlarged(self, colour: Tensor, coarse: Level, fine: Level) -> Tensor:
        """A level's colours at the size of the next finer one."""
        return enlarge(colour, coarse.lightness, fine.lightness)

    def levels(self, condition: Tensor) -> list[Level]:
        """The pyramid, from the photo's size to one pixel; halved sides are rounded up. Colours of any number."""
        lightness, hints, mask = condition.split((1, condition.shape[1] - 2, 1), dim=1)
        lightness, weighted, weight = (lightness + 1) / 2, hints * mask, mask
        of_hints = lightness * weight
        found = [Level(lightness, weighted / weight.clamp_min(_EMPTY), weight > 0, 0)]
        while goes_on(len(found), lightness):
            lightness, of_hints, weighted, weight = self.halved(len(found), lightness, of_hints, weighted, weight)
            least = weight.clamp_min(_EMPTY)
            seen = torch.where(weight > 0, lightness.lerp(of_hints / least, self.hints_lightness), lightness)
            found.append(Level(seen, weighted / least, weight > 0, len(found)))
        return found

    def halved(self, number: int, *images: Tensor) -> list[Tensor]:
        """Lightness, and what is summed over hints, as level ``number`` has them: of those of the next finer level."""
        return [halved(image) for image in images]

    def share_at(self, number: int) -> float:
        """2σ_r² at a level, as a share of the window's variance."""
        return self.share * (COARSER_SHARE if number else 1)

    def screening_at(self, number: int) -> float:
        """λ at a level."""
        return self.screening * (COARSER_SCREENING if number else 1)

    def swept(self, level: Level, colour: Tensor, weights: Tensor, source: Tensor) -> Tensor:
        """Sweeps at a level, as many as it takes."""
        sweeps = self.sweeps * (COARSER_SWEEPS if level.number else 1)
        radius = min(1 / (1 + self.screening_at(level.number)), ACCELERATED)
        return semi_iterated(colour, weights, source, sweeps=sweeps, radius=radius)

    def spread(self, above: Tensor, level: Level, weights: Tensor | None = None) -> Tensor:
        """The level's colours, from those that came from above."""
        screening = self.screening_at(level.number)
        if weights is None:
            weights = affinity(level.lightness, share=self.share_at(level.number))
        damped = 1 / (1 + screening)
        # A held pixel takes of nobody and is its own source.
        weights = torch.where(level.known, 0.0, weights * damped)
        source = torch.where(level.known, level.colour, above * (screening * damped))

        return self.swept(level, torch.where(level.known, level.colour, above), weights, source)


def enlarge(colour: Tensor, coarse: Tensor, fine: Tensor) -> Tensor:
    """A level's colours at twice its size: of the 3×3 cells around its own, a pixel takes those of its lightness.

    Args:
        colour: (N, 2, h, w).
        coarse, fine: lightness (N, 1, h, w) and (N, 1, H, W), H ≤ 2h and W ≤ 2w.

    Returns:
        (N, 2, H, W).
    """
    distance = (_doubled(torch.cat(_window(coarse), dim=1), fine) - fine).square()
    spread = 0.6 * distance.mean(1, keepdim=True) + distance.amin(1, keepdim=True) / 4 + 1e-5
    weight = torch.exp(distance / -spread) * _closeness(fine)
    weight = weight / weight.sum(1, keepdim=True).clamp_min(1e-12)
    cells = _doubled(torch.cat(_window(colour), dim=1), fine).split(colour.shape[1], dim=1)
    total = torch.zeros_like(cells[0])
    for cell, share in zip(cells, weight.split(1, dim=1), strict=True):
        total = torch.addcmul(total, cell, share)
    return total


def nearness(mask: Tensor) -> Tensor:
    """The confidence in what hints (N, 1, H, W) say: 1 at a hint, halved with every level, 0 where a photo has none."""
    masks = [mask]
    while goes_on(len(masks), mask):
        mask = halved(mask)
        masks.append(mask)
    confidence = (mask > 0).to(mask.dtype)
    for fine in masks[-2::-1]:
        confidence = torch.where(fine > 0, 1.0, TRUST_A_LEVEL * _doubled(confidence, fine))
    return confidence


def goes_on(levels: int, coarsest: Tensor) -> bool:
    """Whether a pyramid of so many levels has another one below its coarsest (N, C, h, w)."""
    return levels <= LEVELS_OF_A_GRAPH if torch.compiler.is_exporting() else max(coarsest.shape[-2:]) > 1


def halved(image: Tensor) -> Tensor:
    """Means of 2×2 pixels; of what there is of them at an odd edge."""
    return F.avg_pool2d(image, 2, ceil_mode=True)


def _doubled(image: Tensor, to: Tensor) -> Tensor:
    """Every pixel four times, cut to the size of ``to``."""
    (down, across), (height, width) = image.shape[-2:], to.shape[-2:]
    twice = image[..., :, None, :, None].expand(-1, -1, down, 2, across, 2)
    return twice.reshape(*image.shape[:2], 2 * down, 2 * across)[..., :height, :width]


def _window(image: Tensor) -> list[Tensor]:
    """(N, C, h, w) → the nine images of its 3×3 neighbourhood, row by row; the edge is repeated."""
    height, width = image.shape[-2:]
    padded = F.pad(image, (1, 1, 1, 1), mode="replicate")
    return [padded[..., y : y + height, x : x + width] for y in range(3) for x in range(3)]


def _closeness(fine: Tensor) -> Tensor:
    """(1, 9, H, W): a Gaussian of how far the nine cells lie from the pixel, in cells; a quarter off its own middle."""
    offset = torch.tensor([-1.0, 0.0, 1.0], device=fine.device, dtype=fine.dtype)[:, None]
    down, across = (
        torch.exp(-2 * (offset - (torch.arange(side, device=fine.device) % 2 * 0.5 - 0.25)).square())
        for side in fine.shape[-2:]
    )
    return (down[:, None, :, None] * across[None, :, None, :]).flatten(0, 1)[None].to(fine.dtype)
