"""Hints carried to the right regions by attention over the whole photo."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.contracts import CONDITION_CHANNELS, HINT_GAIN, Prediction
from zoo.core.errors import BadInput
from zoo.parts.blocks.start_grey import start_grey
from zoo.parts.blocks.transformer_layer import EPSILON, TransformerLayer

HEAD_WIDTH = 64
WINDOW = 14
"""The originals are trained on 224 pixels, 14×14 patches."""


class IColoriT(nn.Module):
    """iColoriT (arXiv:2207.06831): condition (N, 4, H, W), sides multiples of ``patch``, to ``ab`` (N, 2, H, W) in ±1.

    A vision transformer on patches of all four channels, with sine-cosine positions and relative position biases; the
    local stabilising layer, a 3×3 convolution between neighbouring patches' outputs, to 2·patch² channels; and
    pixel shuffle instead of a decoder (sections 3.2 to 3.4; details as in its authors' code). Positions are
    computed for the grid at hand, so any size works. The output starts near grey.

    Sizes of the paper, all with depth 12: iColoriT width 768, iColoriT-S 384, iColoriT-T 192.

    Args:
        width: of a token; there is a head for each 64.
        depth: transformer layers.
        patch: side of a patch in pixels.
        heads: of the attention, if not one for each 64 channels.

    Raises:
        BadInput: a width that is odd or does not divide into the heads.
    """

    hint_gain = HINT_GAIN

    def __init__(self, *, width: int = 768, depth: int = 12, patch: int = 16, heads: int | None = None):
        super().__init__()
        heads = heads or max(1, width // HEAD_WIDTH)
        if width % heads or width % 2:
            raise BadInput(
                f"iColoriT of width {width} does not divide into {heads} heads, or is odd; change the width."
            )
        self.stride = patch
        self.width = width
        self.embed = nn.Conv2d(CONDITION_CHANNELS, width, patch, stride=patch)
        self.layers = nn.ModuleList(TransformerLayer(width, heads, WINDOW) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=EPSILON)
        self.stabilise = nn.Conv2d(width, 2 * patch**2, 3)
        self.apply(_initialise)
        start_grey(self.stabilise)

    def forward(self, condition: Tensor) -> Prediction:
        # The original's lightness is (L* - 50) / 100, half of ours; its mask is not centred.
        x = self.embed(torch.cat((condition[:, :1] / 2, condition[:, 1:]), dim=1))
        height, width = x.shape[-2:]
        x = x.flatten(2).transpose(1, 2)
        x = x + sine_positions(height * width, self.width, x.device).to(x.dtype)
        for layer in self.layers:
            x = layer(x, (height, width))
        x = self.norm(x).transpose(1, 2).unflatten(2, (height, width))
        x = self.stabilise(_framed(x)).float()
        return {"ab": torch.tanh(F.pixel_shuffle(x, self.stride))}


def sine_positions(count: int, channels: int, device: torch.device) -> Tensor:
    """(1, count, channels): sines in even and cosines in odd channels of the token's number (arXiv:1706.03762, 3.5)."""
    position = torch.arange(count, device=device, dtype=torch.float32)[:, None]
    pair = torch.arange(0, channels, 2, device=device, dtype=torch.float32)
    angle = position * torch.pow(torch.tensor(10000.0, device=device), -pair / channels)
    return torch.stack((angle.sin(), angle.cos()), dim=2).flatten(1)[None]


def _framed(x: Tensor) -> Tensor:
    """One more patch on each side, reflected; a side of one patch, which has nothing to reflect, repeats."""
    for dimension in (2, 3):
        size = x.shape[dimension]
        first, last = (1, size - 2) if size > 1 else (0, 0)
        x = torch.cat((x.narrow(dimension, first, 1), x, x.narrow(dimension, last, 1)), dim=dimension)
    return x


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
