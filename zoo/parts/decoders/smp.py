"""The decoders of segmentation-models-pytorch behind one adapter.

Source: https://github.com/qubvel-org/segmentation_models.pytorch (MIT), version 0.6 (0.5 does, but for
``unetplusplus`` and ``linknet`` on a backbone that begins at reduction 4). The layers are the library's own
classes; here stands what it takes to put them on any encoder and any photo. The library is imported where a decoder
is built: with timm and torchvision behind it that takes seconds, and to look at a table needs none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.contracts import Level, Pyramid
from zoo.core.errors import BadInput
from zoo.parts.decoders.tiny_maps import Enlarged, norms_per_sample
from zoo.parts.layers.conv_unit import ConvUnit

Architecture = Literal[
    "unetplusplus", "manet", "linknet", "fpn", "pspnet", "deeplabv3plus", "pan", "upernet", "segformer", "dpt"
]

_PAN_SIDE = 16
"""PAN's attention pools three times by two and then batch-normalises: 16 leaves that norm 2×2 pixels."""


class SmpDecoder(nn.Module):
    """One of the library's decoders on any encoder: a pyramid to (N, ``channels``, H / reduction, W / reduction).

    =================  ================  =========  ==================================================
    architecture       source            reduction  needs
    =================  ================  =========  ==================================================
    ``unetplusplus``   arXiv:1807.10165  1          levels that double
    ``manet``          doi:10.1109/      1          levels that double
                       ACCESS.2020.3025372
    ``linknet``        arXiv:1707.03718  1          levels that double
    ``fpn``            arXiv:1612.03144  coarsest/8 four levels that double
    ``pspnet``         arXiv:1612.01105  coarsest   levels that double, coarsest channels divisible by 4
    ``deeplabv3plus``  arXiv:1802.02611  4          levels that double, to 8 or coarser
    ``pan``            arXiv:1805.10180  4          levels that double, to 8, 16 or 32
    ``upernet``        arXiv:1807.10221  4          levels that double, to 8 or coarser
    ``segformer``      arXiv:2105.15203  4          levels that double, to 8 or coarser
    ``dpt``            arXiv:2103.13413  2          levels of one reduction: a vision transformer's
    =================  ================  =========  ==================================================

    As in the library, no decoder joins a map of full resolution as a skip (``fpn`` does on four levels 1 … 8): an
    encoder that begins at 1 goes on from its second map. A backbone that begins at 4 is given an empty map at 2.
    All read the coarsest map, so no stage of the encoder is without a gradient; where ``pspnet`` looks, which
    reads nothing else, is the encoder's depth.

    Ours, not the library's:

    * what it upsamples at the end by 2, 4 or 8 is left to the colorizer (``reduction``);
    * a batch norm behind a global pooling is a group norm, so that batches of one can be trained
      (``deeplabv3plus``, ``pan``, ``upernet``);
    * ``pan`` repeats the pixels of a coarsest map below 16 × 16 (:class:`~zoo.parts.decoders.tiny_maps.Enlarged`);
    * ``deeplabv3plus`` enlarges whatever coarsest map it gets to its skip at 4: no stage of ours is dilated;
    * ``dpt`` sees no class token, and continues maps of odd sides by their last row or column; it comes with the
      convolution, norm and dropout of the library's DPT head, without which its features have no scale.

    Args:
        architecture: one of the above.
        width: 64 gives the library's channels, and all others scale with it.
        dropout: None takes the architecture's own (0.2 ``fpn`` and ``pspnet``, 0.5 ``deeplabv3plus``, 0.1 ``dpt``).

    Raises:
        BadInput: levels that the architecture cannot use, or a width below 1.
    """

    def __init__(
        self,
        levels: Sequence[Level],
        *,
        architecture: Architecture = "unetplusplus",
        width: int = 64,
        dropout: float | None = None,
    ):
        from segmentation_models_pytorch.base.initialization import initialize_decoder

        super().__init__()
        if width < 1:
            raise BadInput(f"A decoder of width {width} has no channels; give 1 or more.")
        levels = [Level(*level) for level in levels]
        if architecture == "dpt":
            built = _dpt(levels, width, dropout)
        else:
            ladder = _ladder(levels, architecture)
            built = _on_a_ladder(architecture, ladder, width, dropout)
            self.missing = len(ladder) - len(levels)
        self.architecture = architecture
        self.decoder, self.channels, self.reduction = built
        initialize_decoder(self.decoder)
        norms_per_sample(self.decoder)

    def forward(self, pyramid: Pyramid) -> Tensor:
        if self.architecture == "dpt":
            return self.decoder(pyramid.maps)
        batch, _, height, width = pyramid.maps[0].shape
        scales = [2**i for i in range(self.missing, 0, -1)]
        empty = [pyramid.maps[0].new_empty(batch, 0, scale * height, scale * width) for scale in scales]
        return self.decoder([*empty, *pyramid.maps])


class Built(NamedTuple):
    """The library's decoder, and what comes out of it."""

    decoder: nn.Module
    channels: int
    reduction: int


def _ladder(levels: Sequence[Level], architecture: str) -> list[int]:
    """Channels at reduction 1, 2, 4, 8, …, as the library counts; 0 where the encoder has no map."""
    reductions = [level.reduction for level in levels]
    doubling = all(coarse == 2 * fine for fine, coarse in pairwise(reductions))
    if not reductions or reductions[0] not in (1, 2, 4) or reductions[-1] == 1 or not doubling:
        raise BadInput(
            f"The decoder {architecture!r} needs levels from 1, 2 or 4 that double, such as 2, 4, 8, 16; "
            f"these are {reductions}{' (architecture: dpt takes those)' if len(set(reductions)) == 1 else ''}."
        )
    return [0] * (reductions[0].bit_length() - 1) + [level.channels for level in levels]


def _expect(holds: bool, architecture: str, needs: str, ladder: Sequence[int]) -> None:
    if not holds:
        have = {2**i: channels for i, channels in enumerate(ladder) if channels}
        raise BadInput(f"The decoder {architecture!r} needs {needs}; this encoder's channels by reduction are {have}.")


def _on_a_ladder(architecture: Architecture, ladder: list[int], width: int, dropout: float | None) -> Built:
    """Each as the library builds it, but for its widths.

    Raises:
        BadInput: levels that it cannot use.
    """
    from segmentation_models_pytorch import decoders

    library: Any = decoders
    depth, half = len(ladder) - 1, max(width // 2, 1)
    # Channels of each rise, coarse to fine: 256, 128, 64, 32, 16 at width 64, never below 16 (or the width).
    rises = [max(4 * width >> i, min(width, 16)) for i in range(depth)]
    match architecture:
        case "unetplusplus":
            decoder = library.unetplusplus.decoder.UnetPlusPlusDecoder(ladder, rises, n_blocks=depth)
            return Built(decoder, rises[-1], 1)
        case "manet":
            decoder = library.manet.decoder.MAnetDecoder(ladder, rises, n_blocks=depth, pab_channels=width)
            return Built(decoder, rises[-1], 1)
        case "linknet":
            _expect(min(c for c in ladder[1:] if c) >= 4, architecture, "4 channels or more at every level", ladder)
            decoder = library.linknet.decoder.LinknetDecoder(ladder, prefinal_channels=half, n_blocks=depth)
            return Built(decoder, half, 1)
        case "fpn":
            _expect(depth >= 3 and all(ladder[-4:]), architecture, "four levels", ladder)
            # Its group norms have 32 groups, and a group of one channel is nothing on a map of one pixel.
            channels = max(-(-2 * width // 32), 2) * 32
            decoder = library.fpn.decoder.FPNDecoder(
                ladder,
                encoder_depth=depth,
                pyramid_channels=4 * width,
                segmentation_channels=channels,
                dropout=0.2 if dropout is None else dropout,
            )
            return Built(decoder, channels, 2 ** (depth - 3))
        case "pspnet":
            needs = "a coarsest map whose channels are divisible by 4"
            _expect(ladder[-1] % 4 == 0, architecture, needs, ladder)
            dropout = 0.2 if dropout is None else dropout
            decoder = library.pspnet.decoder.PSPDecoder(ladder, out_channels=8 * width, dropout=dropout)
            return Built(decoder, 8 * width, 2**depth)
        case "pan":
            _expect(3 <= depth <= 5, architecture, "levels to 8, 16 or 32", ladder)
            decoder = library.pan.decoder.PANDecoder(ladder, encoder_depth=depth, decoder_channels=half)
            decoder.fpa = Enlarged(decoder.fpa, _PAN_SIDE)
            return Built(decoder, half, 4)
    _expect(depth >= 3, architecture, "levels to 8 or coarser", ladder)
    if architecture == "upernet":
        decoder = library.upernet.decoder.UPerNetDecoder(ladder, encoder_depth=depth, decoder_channels=4 * width)
    elif architecture == "segformer":
        segformer = library.segformer.decoder.SegformerDecoder
        decoder = segformer(ladder, encoder_depth=depth, segmentation_channels=4 * width)
    else:
        decoder = library.deeplabv3.decoder.DeepLabV3PlusDecoder(
            ladder,
            encoder_depth=depth,
            out_channels=4 * width,
            atrous_rates=(12, 24, 36),
            output_stride=16,
            aspp_separable=True,
            aspp_dropout=0.5 if dropout is None else dropout,
        )
        decoder.up = nn.Upsample(scale_factor=2 ** (depth - 2), mode="bilinear", align_corners=True)
    return Built(decoder, 4 * width, 4)


def _dpt(levels: Sequence[Level], width: int, dropout: float | None) -> Built:
    reductions = [level.reduction for level in levels]
    if len(set(reductions)) != 1 or reductions[0] < 4 or reductions[0] & (reductions[0] - 1):
        raise BadInput(
            "The decoder 'dpt' needs levels of one reduction, 4, 8, 16 or 32: maps of a vision transformer such as "
            f"timm's vit_tiny_patch16_224; these are {reductions}."
        )
    return Built(Reassembled(levels, width, 0.1 if dropout is None else dropout), 4 * width, 2)


class Reassembled(nn.Module):
    """DPT on maps of one size (N, C, h, w): to (N, 4 · ``width``, h · reduction / 2, w · reduction / 2).

    The i-th map is brought to reduction 2^(i + 2), so the sides must divide by 2^(n + 1) / reduction.
    """

    def __init__(self, levels: Sequence[Level], width: int, dropout: float):
        from segmentation_models_pytorch.decoders.dpt.decoder import DPTDecoder

        super().__init__()
        reduction = levels[0].reduction
        self.decoder = DPTDecoder(
            encoder_out_channels=[level.channels for level in levels],
            encoder_output_strides=[level.reduction for level in levels],
            encoder_has_prefix_tokens=False,
            readout="ignore",
            intermediate_channels=[width * min(4 * 2**i, 16) for i in range(len(levels))],
            fusion_channels=4 * width,
        )
        self.refine = nn.Sequential(ConvUnit(4 * width, 4 * width), nn.Dropout(dropout))
        self.multiple = max(2 ** (len(levels) + 1) // reduction, 1)
        self.enlargement = reduction // 2

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        height, width = maps[0].shape[-2:]
        below, right = -height % self.multiple, -width % self.multiple
        if below or right:
            maps = [F.pad(each, (0, right, 0, below), mode="replicate") for each in maps]
        features = self.refine(self.decoder(list(maps), [None] * len(maps)))
        return features[..., : self.enlargement * height, : self.enlargement * width]
