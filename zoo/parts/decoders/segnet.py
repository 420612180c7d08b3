"""The decoder of SegNet: unpool with the encoder's indices, then convolve."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from zoo.core.contracts import Level, Pyramid
from zoo.core.errors import BadInput
from zoo.parts.layers.conv_unit import ConvUnit, Norm
from zoo.parts.layers.unpool import indices_of, unpool
from zoo.parts.layers.vgg_stages import CONVOLUTIONS


class SegNetDecoder(nn.Module):
    """The encoder mirrored: each pooling undone by :func:`~zoo.parts.layers.unpool.unpool`, then convolutions that fill
    the holes (arXiv:1511.00561, section 3 and Fig. 2).

    A pyramid with pool indices, of any sizes, to (N, C₀, H / r₀, W / r₀) of its finest level. On VGG16 these are
    thirteen 3×3 conv-BN-ReLU: 512, 512, 512 | 512, 512, 256 | 256, 256, 128 | 128, 64 | 64, 64; the head takes the
    place of their classifier. Nothing but the indices skips from encoder to decoder. Where the
    coarsest level has other channels than were pooled, one more convolution goes before.

    Args:
        levels: of the pyramid, fine to coarse.
        convolutions: per stage, fine to coarse, 1 or more; beyond its end the last counts.
        norm: ``batch`` as published, or ``none``.

    Raises:
        BadInput: fewer than two levels or no convolutions; in ``forward``, an encoder without pool indices.
    """

    def __init__(self, levels: Sequence[Level], *, convolutions: tuple[int, ...] = CONVOLUTIONS, norm: Norm = "batch"):
        super().__init__()
        if len(levels) < 2 or not convolutions or min(convolutions) < 1:
            raise BadInput(
                "A SegNet decoder needs two levels or more and convolutions at each, "
                f"not {len(levels)} and {convolutions}."
            )
        widths = [level.channels for level in levels]
        self.channels, self.reduction = levels[0]
        pooled = widths[-2]
        self.entry = nn.Identity() if widths[-1] == pooled else ConvUnit(widths[-1], pooled, norm=norm)
        self.stages = nn.ModuleList()
        # The last convolution of a stage narrows to what the next unpooling expects; the finest keeps its channels.
        for i, (narrow, channels) in reversed(list(enumerate(pairwise([widths[0], *widths[:-1]])))):
            count = convolutions[min(i, len(convolutions) - 1)]
            outputs = [channels] * (count - 1) + [narrow]
            inputs = [channels, *outputs[:-1]]
            self.stages.append(
                nn.Sequential(*(ConvUnit(a, b, norm=norm) for a, b in zip(inputs, outputs, strict=True)))
            )

    def forward(self, pyramid: Pyramid) -> Tensor:
        indices = indices_of(pyramid, "segnet")
        *finer, x = pyramid.maps
        x = self.entry(x)
        for stage, where, fine in zip(self.stages, reversed(indices), reversed(finer), strict=True):
            height, width = fine.shape[-2:]
            x = stage(unpool(x, where, (height, width)))
        return x
