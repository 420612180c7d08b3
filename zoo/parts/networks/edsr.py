"""EDSR: residual blocks without normalisation, residual scaling, pixel shuffle."""

from __future__ import annotations

from math import log2

from torch import Tensor, nn

from zoo.core.contracts import CONDITION_CHANNELS, HINT_GAIN, Prediction
from zoo.core.errors import BadInput
from zoo.parts.layers.conv_unit import start_as_nearest, start_grey


class EDSR(nn.Module):
    """The super-resolution network as a colorizer (arXiv:1707.02921, Fig. 3 and Table 1).

    Condition (N, 4, H, W), H and W multiples of ``scale``, to ``ab`` (N, 2, H, W). The trunk is theirs, one
    convolution, residual blocks, one convolution, a shortcut around all; it works, as in super-resolution, at
    1 / scale of the result's size, and the pixel shuffle brings its features back. What is adapted: the photo is
    there at full size, so that a pixel unshuffle (the shuffle's inverse: nothing of it is lost) takes it to the
    trunk's, 4 · scale² channels where theirs has 3; no mean is subtracted; the last convolution has two channels
    and starts at grey, and those before the shuffles start as a nearest-neighbour resize.

    The default is their baseline, 16 blocks of 64; the large model is ``width=256 blocks=32 residual_scale=0.1``.

    Args:
        width: channels everywhere.
        blocks: residual blocks.
        scale: a power of two.
        residual_scale: what a block's branch is multiplied by before it is added; 0.1 keeps wide trunks stable.

    Raises:
        BadInput: a width or number of blocks below 1, or a scale that is no power of two from 2 up.
    """

    hint_gain = HINT_GAIN

    def __init__(self, *, width: int = 64, blocks: int = 16, scale: int = 4, residual_scale: float = 1.0):
        super().__init__()
        if min(width, blocks) < 1:
            raise BadInput(f"An EDSR needs a width and blocks of 1 or more, not {width} and {blocks}.")
        if scale < 2 or scale & (scale - 1):
            raise BadInput(f"EDSR shuffles pixels by twos: scale is {scale}; give 2, 4 or 8.")
        self.stride = scale
        self.head = nn.Sequential(nn.PixelUnshuffle(scale), _conv(CONDITION_CHANNELS * scale**2, width))
        self.trunk = nn.Sequential(*(ResidualBlock(width, residual_scale) for _ in range(blocks)), _conv(width, width))
        self.tail = nn.Sequential()
        for _ in range(int(log2(scale))):
            expand = _conv(width, 4 * width)
            start_as_nearest(expand, 2)
            self.tail.extend([expand, nn.PixelShuffle(2)])
        self.output = start_grey(_conv(width, 2))

    def forward(self, condition: Tensor) -> Prediction:
        x = self.head(condition)
        features = self.tail(x + self.trunk(x))
        return {"ab": self.output(features).float()}


class ResidualBlock(nn.Module):
    """x + scale · conv(ReLU(conv(x))), no normalisation: (N, C, H, W) to the same shape (Fig. 2c)."""

    def __init__(self, channels: int, scale: float):
        super().__init__()
        self.branch = nn.Sequential(_conv(channels, channels), nn.ReLU(inplace=True), _conv(channels, channels))
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        return x + self.scale * self.branch(x)


def _conv(in_channels: int, out_channels: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 3, padding=1)
