"""The decoder of ENet."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from zoo.core.contracts import Level, Pyramid
from zoo.core.errors import BadInput
from zoo.parts.layers.enet_bottleneck import RegularBottleneck, UpsamplingBottleneck
from zoo.parts.layers.unpool import indices_of

_DROPOUT = 0.1


class ENetDecoder(nn.Module):
    """Stages 4 and 5 of ENet and its last deconvolution (arXiv:1606.02147, Table 1).

    A pyramid with pool indices to (N, ``classes``, H, W). Each step up is one upsampling bottleneck, followed by two
    regular ones, by one at the finest level; small, as it only has to fine-tune details (section 4). Where the
    finest level is half the photo, as ENet's, a 3×3 deconvolution of stride 2 ends it. The activations are
    ReLUs.

    Args:
        levels: of the pyramid, fine to coarse, the finest of reduction 1 or 2.
        classes: channels of the deconvolution, which the head makes ab; 20 for Cityscapes.

    Raises:
        BadInput: fewer than two levels, or a finest level smaller than half the photo; in ``forward``, an encoder
            without pool indices.
    """

    reduction = 1

    def __init__(self, levels: Sequence[Level], *, classes: int = 20):
        super().__init__()
        finest = levels[0]
        if len(levels) < 2 or finest.reduction > 2:
            raise BadInput(
                "An ENet decoder needs two levels or more, the finest of reduction 1 or 2, "
                f"not {[level.reduction for level in levels]}."
            )
        self.rises = nn.ModuleList()
        self.stages = nn.ModuleList()
        for coarse, fine in pairwise(reversed(levels)):
            self.rises.append(
                UpsamplingBottleneck(coarse.channels, fine.channels, activation=nn.ReLU, dropout=_DROPOUT)
            )
            regular = (
                RegularBottleneck(fine.channels, activation=nn.ReLU, dropout=_DROPOUT)
                for _ in range(1 if fine is finest else 2)
            )
            self.stages.append(nn.Sequential(*regular))
        self.full = None
        self.channels = finest.channels
        if finest.reduction == 2:
            self.full = nn.ConvTranspose2d(
                finest.channels, classes, 3, stride=2, padding=1, output_padding=1, bias=False
            )
            self.channels = classes

    def forward(self, pyramid: Pyramid) -> Tensor:
        indices = indices_of(pyramid, "enet")
        *finer, x = pyramid.maps
        for rise, stage, where, fine in zip(self.rises, self.stages, reversed(indices), reversed(finer), strict=True):
            height, width = fine.shape[-2:]
            x = stage(rise(x, where, (height, width)))
        return x if self.full is None else self.full(x)
