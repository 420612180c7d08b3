"""Colorization using optimization: neighbours of like lightness have like colour."""

from __future__ import annotations

from torch import Tensor, nn

from zoo.parts.layers.propagation import affinity, propagate_hints


class Levin2004(nn.Module):
    """condition (N, 4, H, W) to ab (N, 2, H, W): the hints, spread by one sparse solve a photo. Any H, W ≥ 1.

    Levin, Lischinski, Weiss: Colorization using Optimization, SIGGRAPH 2004, eqs. 1 and 2; constants of the
    authors' code (:mod:`~zoo.parts.layers.affinity`). Lightness here is L*, not the paper's Y of YUV.
    Hinted pixels keep their colour; a photo without hints stays grey. Solved on the CPU in float64, and
    without a gradient: it has no parameters.
    """

    stride = 1
    on_host = True

    def forward(self, condition: Tensor) -> Tensor:
        return propagate_hints(condition, lambda lightness, known: affinity(lightness))
