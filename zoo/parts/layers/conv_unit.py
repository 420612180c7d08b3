"""Convolution, normalisation, ReLU: the unit most blocks are made of; how its weights start, and upsampling by it."""

from __future__ import annotations

from typing import Literal, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Layer = TypeVar("Layer", bound=nn.Module)

INITIAL_STD = 0.02
"""Of the predicted ab before training, given features of unit size: 2.2 units of Lab, hardly visible.

A fresh colorizer starts at grey, the middle of the answers and a sensible default where there is no hint, instead of
at torch's default of about 60 units of random colour that the first hundreds of steps would have to unlearn.
"""


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
    return predicts_ab(layer)


def predicts_ab(layer: Layer) -> Layer:
    """Say of a layer that its output is ab, and return it: a residual upon spread hints begins with it at zero."""
    layer.predicts_ab = True  # type: ignore[assignment]
    return layer


@torch.no_grad()
def start_as_nearest(convolution: nn.Conv2d, scale: int) -> None:
    """ICNR (arXiv:1707.02937): all scale² filters that shuffle into one channel start equal."""
    filters = convolution.weight[:: scale**2].repeat_interleave(scale**2, dim=0)
    convolution.weight.copy_(filters)


Norm = Literal["batch", "none"]


def conv(in_channels: int, out_channels: int, *, kernel: int = 3, norm: Norm = "batch") -> nn.Conv2d:
    """A convolution that keeps the size. Without a bias when a normalisation, which has its own, follows."""
    return nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=norm == "none")


def normalisation(channels: int, norm: Norm = "batch") -> nn.Module:
    """The layer that ``norm`` names."""
    return nn.BatchNorm2d(channels) if norm == "batch" else nn.Identity()


class ConvUnit(nn.Sequential):
    """Conv → norm → ReLU: (N, in, H, W) to (N, out, H, W), any size.

    Args:
        kernel: the odd side of the convolution.
        norm: ``batch``, or ``none`` (the convolution then has a bias).
    """

    def __init__(self, in_channels: int, out_channels: int, *, kernel: int = 3, norm: Norm = "batch"):
        super().__init__(
            conv(in_channels, out_channels, kernel=kernel, norm=norm),
            normalisation(out_channels, norm),
            nn.ReLU(inplace=True),
        )


Mode = Literal["nearest", "bilinear", "transpose", "pixel_shuffle"]


class Upsample(nn.Module):
    """(N, in, h, w) to (N, out, H, W) for the size (H, W) that ``forward`` is given, about ``scale`` × (h, w).

    * ``nearest``, ``bilinear``: resize, then 3×3 conv-BN-ReLU (no checkerboards: Odena et al. 2016,
      doi:10.23915/distill.00003);
    * ``transpose``: a transposed convolution whose kernel, 2·scale, is divisible by its stride (every
      output pixel is covered equally often), then BN-ReLU;
    * ``pixel_shuffle``: 3×3 conv to scale² times the channels, rearranged (arXiv:1609.05158), then BN-ReLU.
      Its weights start as a nearest-neighbour resize (ICNR, arXiv:1707.02937).

    The last two can only multiply the size; what they make is cropped, or its last row and column repeated,
    to the size asked for, which keeps pixels where they are. A photo padded to its stride never needs it.

    Args:
        scale: how much larger the output is.
        mode: one of the above.
    """

    def __init__(self, in_channels: int, out_channels: int, *, scale: int = 2, mode: Mode = "nearest"):
        super().__init__()
        self.mode = mode
        self.layers: nn.Module
        if mode == "transpose":
            enlarge: nn.Module = nn.ConvTranspose2d(
                in_channels, out_channels, 2 * scale, stride=scale, padding=scale // 2, bias=False
            )
            self.layers = nn.Sequential(enlarge, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))
        elif mode == "pixel_shuffle":
            expand = conv(in_channels, out_channels * scale**2)
            start_as_nearest(expand, scale)
            enlarge = nn.Sequential(expand, nn.PixelShuffle(scale))
            self.layers = nn.Sequential(enlarge, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))
        else:
            self.layers = ConvUnit(in_channels, out_channels)

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        if self.mode == "nearest":
            return self.layers(F.interpolate(x, size, mode="nearest"))
        if self.mode == "bilinear":
            return self.layers(F.interpolate(x, size, mode="bilinear", align_corners=False))
        return _fit(self.layers(x), size)


def _fit(x: Tensor, size: tuple[int, int]) -> Tensor:
    height, width = size
    x = x[..., :height, :width]
    missing = height - x.shape[-2], width - x.shape[-1]
    return F.pad(x, (0, missing[1], 0, missing[0]), mode="replicate") if any(missing) else x
