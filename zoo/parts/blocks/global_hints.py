"""What a user says about the whole photo: which colours it has, and how vivid they are."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from zoo.core.color import AB_SCALE
from zoo.parts.blocks.ab_bins import GAMUT_BINS, gamut_bins, soft_neighbours
from zoo.parts.blocks.he_normal import he_normal
from zoo.parts.blocks.vector_norm import VectorNorm

EXTRAS = ("histogram", "saturation")


class GlobalHints(nn.Module):
    """The global hints network of Zhang et al. 2017 (arXiv:1705.02999, section 3.2; ``models/global_model``).

    A 313-bin colour histogram and the mean saturation, each with a flag that says whether it is given, go through
    a layer of their own; their sum passes ReLU and BatchNorm, and then three layers of 1×1 convolution, ReLU and
    BatchNorm (on vectors here, which is the same). In training each is dropped per photo, so that the network works
    without; the probability is ours, the public files do not state it. An entry that is NaN counts as not given.

    ``forward``: a mapping with ``histogram`` (N, 2, h, w), ab averaged over small cells, and ``saturation``
    (N, 1) in [0, 1], to (N, channels, 1, 1).

    Args:
        channels: of what comes out, and of the layers between.
        keep: how often a hint is kept in training.
    """

    bins: Tensor

    def __init__(self, channels: int, *, keep: float = 0.5):
        super().__init__()
        self.keep = keep
        with torch.device("cpu"):
            self.register_buffer("bins", gamut_bins().float(), persistent=False)
        self.from_histogram = nn.Linear(GAMUT_BINS + 1, channels)
        self.from_saturation = nn.Linear(1 + 1, channels)
        layers: list[nn.Module] = [nn.ReLU(inplace=True), VectorNorm(channels)]
        for _ in range(3):
            layers += [nn.Linear(channels, channels), nn.ReLU(inplace=True), VectorNorm(channels)]
        self.layers = nn.Sequential(*layers)
        he_normal(self)

    def forward(self, extras: Mapping[str, Tensor]) -> Tensor:
        histogram = self.flagged(self.histogram(extras["histogram"]))
        saturation = self.flagged(extras["saturation"])
        return self.layers(self.from_histogram(histogram) + self.from_saturation(saturation))[..., None, None]

    def histogram(self, ab: Tensor) -> Tensor:
        """(N, 2, h, w) to (N, 313), softly encoded (10 neighbours, σ = 5) and summing to 1."""
        weights, index = soft_neighbours(ab.float() * AB_SCALE, self.bins)
        total = weights.new_zeros(len(ab), len(self.bins))
        return total.scatter_add(1, index.flatten(1), weights.flatten(1)) / (ab.shape[-2] * ab.shape[-1])

    def flagged(self, values: Tensor) -> Tensor:
        """(N, C) to (N, C + 1): the values and 1, or zeros for photos whose values are not given or dropped."""
        given = values.isfinite().all(dim=1, keepdim=True)
        if self.training:
            # As dropout does, from torch's own generator; evaluation draws nothing.
            given = given & (torch.rand(len(values), 1, device=values.device) < self.keep)
        return torch.cat((torch.where(given, values, 0), given.to(values.dtype)), dim=1)
