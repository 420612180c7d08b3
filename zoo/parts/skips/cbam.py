"""A skip refined by the convolutional block attention module (arXiv:1807.06521)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from zoo.parts.blocks.cbam import CBAM
from zoo.parts.skips.concat import Concat
from zoo.parts.skips.sum import Sum


class CBAMSkip(nn.Module):
    """The skip attends to its own channels and places, and is then merged with the gate.

    Skip (N, S, H, W) and gate (N, G, H, W), one size, to (N, ``channels``, H, W). Unlike an attention
    gate, the attention does not depend on the decoder's features.

    Args:
        ratio, kernel: see :class:`~zoo.parts.blocks.cbam.CBAM`.
        merge: ``concat`` (S + G channels come out) or ``sum`` (G channels).
    """

    def __init__(
        self,
        skip_channels: int,
        gate_channels: int,
        *,
        ratio: int = 16,
        kernel: int = 7,
        merge: Literal["concat", "sum"] = "concat",
    ):
        super().__init__()
        self.attention = CBAM(skip_channels, ratio=ratio, kernel=kernel)
        self.merge = (Concat if merge == "concat" else Sum)(skip_channels, gate_channels)
        self.channels = self.merge.channels

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        return self.merge(self.attention(skip), gate)
