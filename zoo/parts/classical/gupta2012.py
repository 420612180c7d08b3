"""Colour carried over from the superpixels of a reference photo, then spread by Levin's optimisation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from zoo.core.color import split_lab
from zoo.core.errors import BadInput
from zoo.parts.classical.affinity import affinity
from zoo.parts.classical.cascade_matching import cascade
from zoo.parts.classical.propagation import propagate
from zoo.parts.classical.space_voting import segments, vote
from zoo.parts.classical.superpixels import Superpixels, describe


class Gupta2012(nn.Module):
    """condition (N, 4, H, W) and a reference photo to ab (N, 2, H, W). Any H, W ≥ 1.

    Gupta, Chia, Rajan, Ng, Huang: Image Colorization Using Similar Images, ACM Multimedia 2012. Superpixels of
    both photos are matched by a cascade of features, the superpixels of a segment vote on their colours, and
    each gives its colour to its middle pixel, a micro-scribble, from where Levin's solve spreads it.

    No public code. Ours are: SLIC for TurboPixels, DAISY for dense SURF, joined superpixels of like lightness
    for mean-shift segments, the wavelengths of the 40 Gabor filters, and the order of the cascade from texture
    to lightness. Computed on the CPU, without a gradient; it has no parameters.

    It reads the extra ``reference``, uint8 (N, 3, h, w).

    Args:
        area: pixels a superpixel has on average.
        likeness: difference in mean lightness, of 1, below which touching superpixels are one segment.
        hints: whether the user's hints join the micro-scribbles, and win over them; the paper has none.

    Raises:
        BadInput: an area below 1.
    """

    stride = 1
    extras = ("reference",)

    def __init__(self, *, area: float = 40.0, likeness: float = 0.05, hints: bool = False):
        super().__init__()
        if area < 1:
            raise BadInput(f"gupta2012: area={area} is below one pixel; give the pixels of a superpixel, such as 40.")
        self.area, self.likeness, self.hints = area, likeness, hints

    @torch.no_grad()
    def forward(self, condition: Tensor, extras: Mapping[str, Tensor]) -> Tensor:
        photos = condition.detach().cpu().double().numpy()
        lightness, colours = (part.cpu().double().numpy() for part in split_lab(extras["reference"]))
        solved = [self._colorize(*photo) for photo in zip(photos, (lightness[:, 0] + 1) / 2, colours, strict=True)]
        return torch.from_numpy(np.stack(solved)).permute(0, 3, 1, 2).float().contiguous().to(condition.device)

    def _colorize(self, photo: np.ndarray, reference: np.ndarray, colours: np.ndarray) -> np.ndarray:
        """One photo (4, H, W) by a reference (h, w) and its ab (2, h, w): ab (H, W, 2)."""
        lightness = (photo[0] + 1) / 2
        target, source = describe(lightness, area=self.area), describe(reference, area=self.area)
        matched = source.mean(colours)[match(target, source)]
        segment = segments(target.intensity[:, 0], target.touching, likeness=self.likeness)
        scribbles, known = np.zeros((*lightness.shape, 2)), np.zeros(lightness.shape, bool)
        middles = target.middles()
        scribbles.reshape(-1, 2)[middles] = vote(matched, segment)
        known.reshape(-1)[middles] = True
        if self.hints:
            hinted = photo[3] > 0.5
            scribbles[hinted] = photo[1:3, hinted].T
            known |= hinted
        return propagate(affinity(lightness), scribbles, known)


def match(target: Superpixels, reference: Superpixels) -> np.ndarray:
    """Of every superpixel of the target its counterpart in the reference: int64 (T,)."""
    return cascade(
        [
            (target.gabor, reference.gabor),
            (target.gradients, reference.gradients),
            (target.deviation, reference.deviation),
            (target.intensity, reference.intensity),
        ]
    )
