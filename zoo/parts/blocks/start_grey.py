"""A last layer that starts at grey."""

from __future__ import annotations

import torch
from torch import nn

INITIAL_STD = 0.02
"""Of the predicted ab before training, given features of unit size: 2.2 units of Lab, hardly visible.

A fresh colorizer starts at grey, the middle of the answers and a sensible default where there is no hint, instead of
at torch's default of about 60 units of random colour that the first hundreds of steps would have to unlearn.
"""


@torch.no_grad()
def start_grey(layer: nn.Conv2d) -> nn.Conv2d:
    """Give a convolution that predicts ab small weights and no bias, and return it.

    Not zero: then no gradient would reach the features in the first step. A residual upon spread hints does begin at
    zero (:class:`zoo.core.propagated.Propagated`), which costs it that step.
    """
    fan_in = layer.weight[0].numel()
    nn.init.normal_(layer.weight, std=INITIAL_STD / fan_in**0.5)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    layer.predicts_ab = True  # type: ignore[assignment]  # a residual upon spread hints begins with it at zero
    return layer
