"""Anisotropic diffusion whose conductance is learnt: colour flows on until an edge of the features stops it."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.colorizer import enlarged
from zoo.core.contracts import Prediction
from zoo.core.errors import BadInput
from zoo.parts.layers.conv_unit import start_grey

STEP = 0.24
"""λ of the public code: below ¼ the explicit scheme is stable."""


class DiffusionHead(nn.Module):
    """DADA (arXiv:2211.11592, eq. 1), with hints in the place of its low-resolution depth.

    Features (N, C, H, W) to ``ab`` and ``embedding`` (N, E, H, W), whose distance between two neighbours p and q,
    beside that of their lightness, is their conductance by Perona and Malik::

        c_pq = 1 / (1 + (d_pq / K)²),   d_pq = |Y_p − Y_q| + Σ_e |f_p − f_q| / E,
        h_p ← h_p + λ Σ_q c_pq (h_q − h_p)   over the four neighbours,   hints held

    f starts near 0, so that it begins as the paper's diffusion without a network, whose guide is the photo. The
    paper scales every step to the given depth; here the hints are put back.

    Args:
        embedding: E, 64 in the public code.
        before: steps without a gradient; the paper has 8,000, of which training takes a random part.
        sweeps: steps after these, with one; the paper has 1,024.
        edge: where K, which is learnt, starts: of lightness in [0, 1].

    Raises:
        BadInput: sweeps or embedding below 1, before below 0, or an edge that is not above 0.
    """

    def __init__(self, channels: int, *, embedding: int = 64, before: int = 64, sweeps: int = 64, edge: float = 0.03):
        super().__init__()
        if min(sweeps, embedding) < 1 or before < 0 or not edge > 0:
            raise BadInput(
                f"diffusion: embedding={embedding}, before={before}, sweeps={sweeps}, edge={edge} do not flow; "
                "give 1 or more, 0 or more, 1 or more, and an edge above 0."
            )
        self.before, self.sweeps = before, sweeps
        self.project = start_grey(nn.Conv2d(channels, 2, 1))
        self.embed = nn.Conv2d(channels, embedding, 1)
        nn.init.normal_(self.embed.weight, std=1e-3)
        self.log_edge = nn.Parameter(torch.tensor(math.log(edge)))

    def forward(self, features: Tensor) -> Prediction:
        return {"ab": self.project(features).float(), "embedding": self.embed(features).float()}

    def refine(self, prediction: Prediction, condition: Tensor) -> Prediction:
        hint_ab, mask = condition[:, 1:3], condition[:, 3:]
        down, across = self.conductances(enlarged(prediction["embedding"], condition), condition[:, :1])
        colour = torch.where(mask > 0, hint_ab, prediction["ab"])
        free = STEP * (1 - mask)
        with torch.no_grad():
            settled = colour.detach()
            for _ in range(self.before):
                settled = settled + free * inflow(settled, down, across)
        # The gradient of what was settled passes by it: the start is learnt as if there had been no steps before.
        colour = colour + (settled - colour).detach()
        for _ in range(self.sweeps):
            colour = colour + free * inflow(colour, down, across)
        return {**prediction, "ab": colour}

    def conductances(self, embedding: Tensor, lightness: Tensor) -> tuple[Tensor, Tensor]:
        """Between a pixel and the one below, (N, 1, H − 1, W), and the one to the right, (N, 1, H, W − 1)."""
        guide, edge = (lightness + 1) / 2, self.log_edge.exp()

        def between(axis: int) -> Tensor:
            distance = guide.diff(dim=axis).abs() + embedding.diff(dim=axis).abs().mean(1, keepdim=True)
            return 1 / (1 + (distance / edge).square())

        return between(-2), between(-1)


def inflow(colour: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """Σ_q c_pq (h_q − h_p), (N, 2, H, W). What flows out of a pixel flows into its neighbour: the sum of all is 0."""
    vertical, horizontal = down * colour.diff(dim=-2), across * colour.diff(dim=-1)
    return (
        F.pad(vertical, (0, 0, 0, 1))
        - F.pad(vertical, (0, 0, 1, 0))
        + F.pad(horizontal, (0, 1))
        - F.pad(horizontal, (1, 0))
    )
