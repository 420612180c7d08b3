"""The chroma, straight from the features."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from zoo.core.color import AB_SCALE
from zoo.core.contracts import Prediction
from zoo.parts.layers.conv_unit import start_grey

_SIGMOID_REACH = 100 / AB_SCALE
"""The sigmoid's range is ±100 units of a* and b* (Iizuka et al. 2016, doi:10.1145/2897824.2925974)."""


class AbHead(nn.Module):
    """A 1×1 convolution: features (N, C, H, W) to ``{"ab": (N, 2, H, W)}``, float32.

    Args:
        activation: ``linear``; ``tanh`` (Zhang et al. 2017, arXiv:1705.02999): ab in ±1;
            ``sigmoid`` (Iizuka et al. 2016): ab = (2σ(x) − 1) · 100/110.
    """

    def __init__(self, channels: int, *, activation: Literal["linear", "tanh", "sigmoid"] = "linear"):
        super().__init__()
        self.activation = activation
        self.project = start_grey(nn.Conv2d(channels, 2, 1))

    def forward(self, features: Tensor) -> Prediction:
        ab = self.project(features).float()  # under autocast too: half precision bands smooth skies
        if self.activation == "tanh":
            ab = torch.tanh(ab)
        elif self.activation == "sigmoid":
            ab = (2 * torch.sigmoid(ab) - 1) * _SIGMOID_REACH
        return {"ab": ab}
