"""A last layer that starts at grey."""

from __future__ import annotations

import torch
from torch import nn

INITIAL_STD = 0.02
"""Of the predicted ab before training, given features of unit size: 2.2 units of Lab."""


@torch.no_grad()
def start_grey(layer: nn.Conv2d) -> nn.Conv2d:
    """Give a convolution that predicts ab small weights and no bias, and return it.

    As the head ``ab`` does: grey is the middle of the answers; zero would leave the features without a gradient.
    """
    fan_in = layer.weight[0].numel()
    nn.init.normal_(layer.weight, std=INITIAL_STD / fan_in**0.5)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
