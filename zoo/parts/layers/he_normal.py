"""He's initialisation, for deep networks that nothing normalises."""

from __future__ import annotations

from torch import nn


def he_normal(module: nn.Module) -> None:
    """Every convolution and linear layer of ``module``: weights N(0, 2 / fan-in), biases 0 (arXiv:1502.01852, eq. 10).

    It keeps the size of a signal through any number of ReLU layers; torch's default shrinks it by √3 or so at each,
    after VGG's 13 to a thousandth.
    """
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
