"""The lightness predicted again, beside the chroma."""

from __future__ import annotations

from torch import Tensor, nn

from zoo.core.contracts import Prediction
from zoo.parts.layers.conv_unit import start_grey


class LabHead(nn.Module):
    """A 1×1 convolution to L*, a*, b*, as the entries to the Gachon challenge 2022 had.

    Features (N, C, H, W) to ``lightness`` (N, 1, H, W) and ``ab`` (N, 2, H, W), float32, in the units of the
    condition. Losses that read ``lightness`` (``mix_legacy``) train it; photos are scored with the true one, as
    every colorizer's are.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.project = start_grey(nn.Conv2d(channels, 3, 1))

    def forward(self, features: Tensor) -> Prediction:
        lab = self.project(features).float()
        return {"lightness": lab[:, :1], "ab": lab[:, 1:]}
