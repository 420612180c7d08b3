"""Non-local spatial propagation: the head also predicts where each pixel's neighbours are."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo.core.colorizer import enlarged
from zoo.core.contracts import Prediction
from zoo.core.errors import BadInput
from zoo.parts.layers.affinity import NEIGHBOURS
from zoo.parts.layers.conv_unit import start_grey
from zoo.parts.layers.spatial_propagation import moved, sampled, summed

_COUNT = len(NEIGHBOURS)
_EMPTY = 1e-4
"""Added to Σ|w|, as in the public code."""


class NLSPNHead(nn.Module):
    """NLSPN (arXiv:2007.10042).

    Features (N, C, H, W) to ``ab``, for each of eight neighbours an offset (down, across) in ``offsets`` (N, 16, H, W)
    and an affinity in ``affinity8`` (N, 8, H, W), and a confidence in ``trust`` (N, 1, H, W) in [0, 1]. ``refine``
    sweeps from the ab that it is given::

        w_n = c(n) tanh(a_n) / (8 γ),   divided by Σ|w| where that is above 1,    h ← (1 − Σ w) h + Σ_n w_n h(n)

    c(n) is the confidence at the moved neighbour (no gradient reaches the offsets through it, as in the public code),
    γ is learnt. Offsets and affinities start at 0, so that the sweeps start as the identity.

    Args:
        sweeps: 18 in the paper.
        gamma: where γ starts.
        hold: whether every sweep puts the hints back; in the public code none does by default.

    Raises:
        BadInput: sweeps below 1, or a gamma that is not above 0.
    """

    def __init__(self, channels: int, *, sweeps: int = 18, gamma: float = 0.5, hold: bool = False):
        super().__init__()
        if sweeps < 1 or not gamma > 0:
            raise BadInput(f"nlspn: sweeps={sweeps} and gamma={gamma}; give 1 or more, and a gamma above 0.")
        self.sweeps, self.hold = sweeps, hold
        self.project = start_grey(nn.Conv2d(channels, 2, 1))
        self.trust = nn.Conv2d(channels, 1, 3, padding=1)
        self.guide = nn.Conv2d(channels, 3 * _COUNT, 3, padding=1)
        for parameter in self.guide.parameters():
            nn.init.zeros_(parameter)
        self.gamma = nn.Parameter(torch.tensor(float(gamma)))

    def forward(self, features: Tensor) -> Prediction:
        offsets, raw = self.guide(features).float().split((2 * _COUNT, _COUNT), dim=1)
        return {
            "ab": self.project(features).float(),
            "offsets": offsets,
            "affinity8": raw.tanh() / (_COUNT * self.gamma),
            "trust": self.trust(features).float().sigmoid(),
        }

    def refine(self, prediction: Prediction, condition: Tensor) -> Prediction:
        hint_ab, mask = condition[:, 1:3], condition[:, 3:]
        offsets, raw, trust = (enlarged(prediction[key], condition) for key in ("offsets", "affinity8", "trust"))
        positions = moved(offsets.unflatten(1, (_COUNT, 2)))
        weights = bounded(raw * sampled(trust, positions.detach())[:, 0])
        colour = prediction["ab"]
        for _ in range(self.sweeps):
            if self.hold:
                colour = torch.where(mask > 0, hint_ab, colour)
            colour = summed(sampled(colour, positions).unbind(2), weights, (1 - weights.sum(1, keepdim=True)) * colour)
        return {**prediction, "ab": colour}


def bounded(weights: Tensor) -> Tensor:
    """(N, 8, H, W) with Σ|w| at most 1, so that the sweeps cannot run away."""
    return weights / (weights.abs().sum(1, keepdim=True) + _EMPTY).clamp_min(1)
