"""The generator of pix2pix: a U-Net of strided convolutions whose noise is dropout."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.contracts import CONDITION_CHANNELS, HINT_GAIN, Prediction
from zoo.core.errors import BadInput
from zoo.parts.layers.conv_unit import INITIAL_STD, predicts_ab

NOISY_STAGES = 3


class Pix2Pix(nn.Module):
    """Condition (N, 4, H, W), sides multiples of 2^depth, to ``ab`` (N, 2, H, W) (arXiv:1611.07004, appendix 6.1.1).

    Encoder C64-C128-C256-C512-C512-C512-C512-C512, decoder CD512-CD1024-CD1024-C1024-C1024-C512-C256-C128 (channels
    after concatenation): 4×4 convolutions of stride 2, leaky ReLU 0.2 down and ReLU up, batch norm after each but the
    outermost and the innermost (appendix, errata), tanh. Dropout 0.5 in the first three stages of the decoder is the
    only noise. The paper leaves it on when colorizing; here :meth:`sample` does, and ``forward`` in evaluation mode
    is deterministic. Weights start from N(0, 0.02), the last layer's smaller, from grey.

    Args:
        width: channels after the first convolution; they double up to eight times it.
        depth: stages down and up; 8 brings 256 pixels to one.
        dropout: probability.
        in_channels, out_channels: for checking against other people's counts.

    Raises:
        BadInput: a width below 1 or fewer than two stages.
    """

    hint_gain = HINT_GAIN

    def __init__(
        self,
        *,
        width: int = 64,
        depth: int = 8,
        dropout: float = 0.5,
        in_channels: int = CONDITION_CHANNELS,
        out_channels: int = 2,
    ):
        super().__init__()
        if width < 1 or depth < 2:
            raise BadInput(f"pix2pix of width {width} and depth {depth} is no U-Net; give 1 and 2 or more.")
        self.stride = 2**depth
        self.dropout = dropout
        widths = [width * min(2**i, 8) for i in range(depth)]
        self.down = nn.ModuleList(
            _strided(nn.Conv2d, before, after, normalised=0 < i < depth - 1)
            for i, (before, after) in enumerate(pairwise((in_channels, *widths)))
        )
        up = list(reversed(widths[:-1]))
        self.up = nn.ModuleList(
            _strided(nn.ConvTranspose2d, before if i == 0 else 2 * before, after, normalised=True)
            for i, (before, after) in enumerate(pairwise((widths[-1], *up)))
        )
        self.noisy = tuple(i < NOISY_STAGES and channels == 8 * width for i, channels in enumerate(up))
        self.last = predicts_ab(nn.ConvTranspose2d(2 * width, out_channels, 4, stride=2, padding=1))
        self.apply(_initialise)
        # Four of the kernel's sixteen taps meet at each pixel.
        nn.init.normal_(self.last.weight, std=INITIAL_STD / (4 * 2 * width) ** 0.5)

    def forward(self, condition: Tensor) -> Prediction:
        return {"ab": self._colorize(condition, None)}

    def sample(self, condition: Tensor, k: int, generator: torch.Generator) -> Tensor:
        """``k`` colorizations of each photo, their dropout drawn from ``generator``: (N, k, 2, H, W)."""
        return torch.stack([self._colorize(condition, generator) for _ in range(k)], dim=1)

    def _colorize(self, condition: Tensor, generator: torch.Generator | None) -> Tensor:
        skips = [self.down[0](condition)]
        for stage in self.down[1:]:
            skips.append(stage(F.leaky_relu(skips[-1], 0.2)))
        x = skips.pop()
        for stage, noisy in zip(self.up, self.noisy, strict=True):
            x = stage(F.relu(x))
            if noisy:
                x = self._noise(x, generator)
            x = torch.cat((skips.pop(), x), dim=1)
        return torch.tanh(self.last(F.relu(x)).float())

    def _noise(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        if generator is None:
            return F.dropout(x, self.dropout, self.training)
        kept = torch.rand(x.shape, generator=generator, device=generator.device).to(x.device) >= self.dropout
        return x * kept / (1 - self.dropout)


def _strided(
    kind: type[nn.Conv2d] | type[nn.ConvTranspose2d], before: int, after: int, *, normalised: bool
) -> nn.Module:
    convolution = kind(before, after, 4, stride=2, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after)) if normalised else convolution


def _initialise(module: nn.Module) -> None:
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
