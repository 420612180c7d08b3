"""Learned upsampling, to a size that is asked for."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from zoo.parts.layers.conv_unit import ConvUnit, conv, start_as_nearest

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
