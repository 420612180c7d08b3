"""Multi-scale context between an encoder and a decoder."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.contracts import Level, Pyramid
from zoo.core.errors import BadInput

DILATIONS = (1, 1, 2, 4, 8, 16, 1)
"""Of the 3×3 convolutions; a 1×1 follows. The receptive field is 67 × 67."""

LARGE = (2, 2, 4, 8, 16, 32, 32)
"""Channels of the large form, in multiples of C; the basic form has C everywhere."""

_PAPER_MAPS = 21
"""The classes of PASCAL VOC, on whose scores the paper has its module."""


class DilatedContext(nn.Module):
    """The context module of Yu & Koltun 2015 (arXiv:1511.07122) on one level of a pyramid; the others pass.

    Training starts where it would without the bridge: the module starts as the identity, up to noise. That holds for
    maps that are not negative, as after a ReLU; what is negative is truncated.

    The paper applies it to maps at 1/8 of the photo, of C = 21 classes. Where ``channels`` is given, it works on so
    many: a 1×1 convolution and a ReLU take the level's maps to C, and another 1×1 convolution, which starts at
    zero, takes what it found back, to be added. The large form, up to 32 · C maps wide, is only affordable so.

    Args:
        levels: of the pyramid, fine to coarse.
        form: ``basic``, or ``large``.
        reduction: the level is the one nearest to this (by ratio; the coarser of equals); None: the coarsest.
        channels: C; None: as many as the level has.
        noise: σ of the initialisation.

    Raises:
        BadInput: no levels, or fewer than one channel.
    """

    def __init__(
        self,
        levels: Sequence[Level],
        *,
        form: Literal["basic", "large"] = "basic",
        reduction: int | None = 8,
        channels: int | None = None,
        noise: float = 0.01,
    ):
        super().__init__()
        if not levels or (channels is not None and channels < 1):
            raise BadInput(f"Dilated context needs a level and a channel or more, not {len(levels)} and {channels}.")
        self.levels = tuple(levels)
        self.index = len(levels) - 1 if reduction is None else _nearest(levels, reduction)
        width = levels[self.index].channels
        self.context = ContextModule(channels or width, large=form == "large", noise=noise)
        self.reduce = self.expand = None
        if channels is not None:
            self.reduce = nn.Conv2d(width, channels, 1)
            self.expand = nn.Conv2d(channels, width, 1)
            nn.init.zeros_(self.expand.weight)
            nn.init.zeros_(self.expand.bias)  # type: ignore[arg-type]

    def forward(self, pyramid: Pyramid) -> Pyramid:
        maps = list(pyramid.maps)
        maps[self.index] = self._in_context(maps[self.index])
        return Pyramid(maps, pyramid.pool_indices)

    def _in_context(self, x: Tensor) -> Tensor:
        if self.reduce is None or self.expand is None:
            return self.context(x)
        return x + self.expand(self.context(F.relu(self.reduce(x))))


def _nearest(levels: Sequence[Level], reduction: int) -> int:
    distance = [abs(log2(level.reduction / reduction)) for level in levels]
    return max(i for i, d in enumerate(distance) if d == min(distance))


class ContextModule(nn.Sequential):
    """(N, C, H, W) to (N, C, H, W), any size (Yu & Koltun 2015, arXiv:1511.07122, Table 1 and section 3).

    Seven 3×3 convolutions of dilations 1, 1, 2, 4, 8, 16, 1, each zero-padded by its dilation and truncated by a ReLU,
    then a 1×1 convolution. It starts as the identity on maps that are not negative, up to noise
    (:func:`start_as_identity`).

    Args:
        channels: C.
        large: 2, 2, 4, 8, 16, 32 and 32 times C inside.
        noise: σ, see :func:`start_as_identity`.
    """

    def __init__(self, channels: int, *, large: bool = False, noise: float = 0.01):
        widths = [channels, *(channels * factor for factor in (LARGE if large else [1] * len(DILATIONS)))]
        layers: list[nn.Module] = []
        for i, dilation in enumerate(DILATIONS):
            layers += [
                nn.Conv2d(widths[i], widths[i + 1], 3, padding=dilation, dilation=dilation),
                nn.ReLU(inplace=True),
            ]
        super().__init__(*layers, nn.Conv2d(widths[-1], channels, 1))
        for layer in self:
            if isinstance(layer, nn.Conv2d):
                start_as_identity(layer, channels, noise)


@torch.no_grad()
def start_as_identity(layer: nn.Conv2d, channels: int, noise: float) -> None:
    """Section 3, eq. 4 and 5: the centre tap from map a of c_in to map b of c_out is C / c_out where
    ⌊a C / c_in⌋ = ⌊b C / c_out⌋; every other weight is noise, every bias 0.

    The noise has std σ · C / c_out, which stays far below the identity's weight, as the paper asks. It speaks of
    the 21 classes of PASCAL VOC; a filter that reads more maps gets it smaller, by √(21 / c_in), so that it
    adds the same share of the signal and not more the wider the maps are.
    """
    c_out, c_in = layer.out_channels, layer.in_channels
    std = noise * channels / c_out * min(1.0, _PAPER_MAPS / c_in) ** 0.5
    nn.init.normal_(layer.weight, std=std)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    centre = layer.kernel_size[0] // 2
    source = _share(c_in, channels)
    target = _share(c_out, channels)
    same = target[:, None] == source[None, :]
    taps = layer.weight[:, :, centre, centre]
    taps[same] = channels / c_out


def _share(width: int, channels: int) -> Tensor:
    """Which of the C maps each of ``width`` maps carries: ⌊b C / width⌋."""
    return torch.arange(width) * channels // width
