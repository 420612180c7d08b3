"""Convolutions of several sizes side by side: the block of MSU-Net (doi:10.3389/fgene.2021.639930, Fig. 1B)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from zoo.core.errors import BadInput
from zoo.parts.layers.conv_unit import ConvUnit


class MultiScale(nn.Module):
    """One branch a kernel, each (k×k conv, BN, ReLU) × 2; concatenated and mixed by a 1×1 convolution.

    (N, in, H, W) to (N, out, H, W), any size. Each branch has all the ``out`` channels, and nothing follows the
    1×1 convolution, as in MSU-Net's code with kernels 3 and 7. MSAU-Net of the Gachon cohort names a "multi
    scale convolution block" and cites this one; its drawing is all there is of it, so that the two are the same
    is an assumption of ours.

    Args:
        kernels: the odd sides of the branches' convolutions.

    Raises:
        BadInput: no kernel, or an even one.
    """

    def __init__(self, in_channels: int, out_channels: int, *, kernels: Sequence[int] = (3, 7)):
        super().__init__()
        if not kernels or any(kernel < 1 or kernel % 2 == 0 for kernel in kernels):
            raise BadInput(f"A multi-scale block needs odd kernels, one or more; these are {list(kernels)}.")
        self.branches = nn.ModuleList(
            nn.Sequential(
                ConvUnit(in_channels, out_channels, kernel=kernel),
                ConvUnit(out_channels, out_channels, kernel=kernel),
            )
            for kernel in kernels
        )
        self.mix = nn.Conv2d(len(kernels) * out_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.mix(torch.cat([branch(x) for branch in self.branches], dim=1))
