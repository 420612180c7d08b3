"""Convolutional spatial propagation: the head predicts how much of a neighbour's colour every pixel takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from zoo.core.colorizer import enlarged
from zoo.core.contracts import Prediction
from zoo.core.errors import BadInput
from zoo.parts.layers.affinity import affinity, normalised, shifted
from zoo.parts.layers.conv_unit import start_grey
from zoo.parts.layers.spatial_propagation import summed

_EMPTY = 1e-8


class CSPNHead(nn.Module):
    """CSPN (arXiv:1808.00150), and CSPN++ (arXiv:1911.05377) by its options.

    Features (N, C, H, W) to ``ab`` and, for each kernel, affinities a (N, k² − 1, H, W). ``refine`` sweeps, from the
    ab that it is given, h₀, with the hints in it::

        h ← (1 − m) · ((1 − Σ κ) h₀ + Σ_n κ_n h(n)) + m · h₀,        κ_n = a_n / Σ|a|

    The centre's share goes to h₀, as in the public code and in CSPN++; that CSPN's text gives it to h is an error, say
    its authors. κ_n is read at the pixel, as in the papers, in the public code at the neighbour.

    Args:
        sweeps: 24 in the paper.
        kernels: odd sides of the neighbourhoods. CSPN++ has 3, 5 and 7, each with sweeps of its own, mixed
            pixel by pixel with a softmax.
        affinity: ``signed`` a, as in the paper; ``absolute``: |a|, as in its public code; ``levin``: exp(a) upon
            Levin's own weights (:func:`zoo.parts.layers.affinity.affinity`) and a starting at 0, for kernels of 3.
        trust: whether m is the mask times a learnt trust in each hint, as in CSPN++, or the mask.

    Raises:
        BadInput: sweeps below 1, kernels that are not odd from 3 up, or others than 3 for ``levin``.
    """

    def __init__(
        self,
        channels: int,
        *,
        sweeps: int = 24,
        kernels: Sequence[int] = (3,),
        affinity: Literal["signed", "absolute", "levin"] = "signed",
        trust: bool = False,
    ):
        super().__init__()
        if sweeps < 1 or not kernels or any(side < 3 or side % 2 == 0 for side in kernels):
            raise BadInput(f"cspn: sweeps={sweeps} with kernels={list(kernels)}; give 1 or more, of odd sides from 3.")
        if affinity == "levin" and any(side != 3 for side in kernels):
            raise BadInput(f"cspn: Levin's weights are of 3×3 pixels, not {list(kernels)}; choose affinity=signed.")
        self.sweeps, self.kernels, self.affinity = sweeps, tuple(kernels), affinity
        self.project = start_grey(nn.Conv2d(channels, 2, 1))
        self.affinities = nn.ModuleList(nn.Conv2d(channels, side**2 - 1, 3, padding=1) for side in kernels)
        if affinity == "levin":
            for parameter in self.affinities.parameters():
                nn.init.zeros_(parameter)
        self.mix = nn.Conv2d(channels, len(kernels), 1) if len(kernels) > 1 else None
        self.trust = nn.Conv2d(channels, len(kernels), 1) if trust else None

    def forward(self, features: Tensor) -> Prediction:
        prediction = {"ab": self.project(features).float()}
        for side, layer in zip(self.kernels, self.affinities, strict=True):
            prediction[f"affinity{side}"] = layer(features).float()
        if self.mix is not None:
            prediction["kernel_logits"] = self.mix(features).float()
        if self.trust is not None:
            prediction["trust_logits"] = self.trust(features).float()
        return prediction

    def refine(self, prediction: Prediction, condition: Tensor) -> Prediction:
        lightness, hint_ab, mask = condition.split((1, 2, 1), dim=1)
        start = torch.where(mask > 0, hint_ab, prediction["ab"])
        trusted = mask.expand(-1, len(self.kernels), -1, -1)
        if self.trust is not None:
            trusted = mask * enlarged(prediction["trust_logits"], condition).sigmoid()
        found = []
        for number, side in enumerate(self.kernels):
            weights = self.normalised(enlarged(prediction[f"affinity{side}"], condition), lightness)
            held = trusted[:, number : number + 1]
            # One weighted sum a sweep: what is held is taken off the neighbours and given to the start.
            anchor = start * (held + (1 - held) * (1 - weights.sum(1, keepdim=True)))
            weights = weights * (1 - held)
            colour = start
            for _ in range(self.sweeps):
                colour = summed(shifted(colour, side=side), weights, anchor)
            found.append(colour)
        if self.mix is None:
            return {**prediction, "ab": found[0]}
        share = enlarged(prediction["kernel_logits"], condition).softmax(1)
        return {**prediction, "ab": summed(found, share, torch.zeros_like(start))}

    def normalised(self, raw: Tensor, lightness: Tensor) -> Tensor:
        """κ from a, both (N, K, H, W): Σ|κ| is 1, or 0 where all a are. ``lightness`` (N, 1, H, W) is a condition's."""
        if self.affinity == "levin":
            return normalised(affinity((lightness + 1) / 2) * (raw - raw.amax(1, keepdim=True)).exp())
        side = math.isqrt(raw.shape[1] + 1)
        raw = raw * torch.cat(shifted(torch.ones_like(lightness), side=side), dim=1)  # nothing from beyond the edge
        size = raw.abs()
        return (size if self.affinity == "absolute" else raw) / size.sum(1, keepdim=True).clamp_min(_EMPTY)
