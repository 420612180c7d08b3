"""Hints carried to the right regions by attention over the whole photo."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.contracts import CONDITION_CHANNELS, HINT_GAIN, Prediction
from zoo.core.errors import BadInput
from zoo.parts.layers.initialisation import start_grey

HEAD_WIDTH = 64

WINDOW = 14
"""The originals are trained on 224 pixels, 14×14 patches."""

EPSILON = 1e-6
"""Of the layer norms."""


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


class TransformerLayer(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)): tokens (N, h·w, C) to the same (arXiv:2010.11929, Fig. 1).

    Args:
        heads: of the attention; C is a multiple of it.
        window: side of the grid of tokens that has a bias of its own for each offset.
    """

    def __init__(self, channels: int, heads: int, window: int):
        super().__init__()
        self.norm_attention = nn.LayerNorm(channels, eps=EPSILON)
        self.attention = GridAttention(channels, heads, window)
        self.norm_mlp = nn.LayerNorm(channels, eps=EPSILON)
        self.mlp = nn.Sequential(nn.Linear(channels, 4 * channels), nn.GELU(), nn.Linear(4 * channels, channels))

    def forward(self, x: Tensor, grid: tuple[int, int]) -> Tensor:
        x = x + self.attention(self.norm_attention(x), grid)
        return x + self.mlp(self.norm_mlp(x))


class GridAttention(nn.Module):
    """Softmax(QKᵀ/√d + B) V over the tokens of a grid (h, w); queries and values have biases, keys have none.

    B is learned for each head and each offset between two tokens (arXiv:2103.14030, eq. 4). Offsets beyond the window
    share the bias of its edge, so a grid may have any size.
    """

    def __init__(self, channels: int, heads: int, window: int):
        super().__init__()
        self.heads = heads
        self.window = window
        self.qkv = nn.Linear(channels, 3 * channels, bias=False)
        self.query_bias = nn.Parameter(torch.zeros(channels))
        self.value_bias = nn.Parameter(torch.zeros(channels))
        self.offset_bias = nn.Parameter(torch.empty((2 * window - 1) ** 2, heads))
        nn.init.trunc_normal_(self.offset_bias, std=0.02, a=-0.02, b=0.02)
        self.project = nn.Linear(channels, channels)

    def forward(self, x: Tensor, grid: tuple[int, int]) -> Tensor:
        n, tokens, channels = x.shape
        bias = torch.cat((self.query_bias, torch.zeros_like(self.value_bias), self.value_bias))
        q, k, v = F.linear(x, self.qkv.weight, bias).view(n, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        offsets = self._offsets(grid, x.device)
        position = self.offset_bias[offsets.flatten()].view(tokens, tokens, self.heads).permute(2, 0, 1)
        x = F.scaled_dot_product_attention(q, k, v, attn_mask=position.unsqueeze(0).to(q.dtype))
        return self.project(x.transpose(1, 2).reshape(n, tokens, channels))

    def _offsets(self, grid: tuple[int, int], device: torch.device) -> Tensor:
        """For each pair of tokens, the row of the table: (h·w, h·w) int64."""
        height, width = grid
        reach = self.window - 1
        token = torch.arange(height * width, device=device)
        row, column = token // width, token % width
        down = (row[:, None] - row).clamp(-reach, reach) + reach
        across = (column[:, None] - column).clamp(-reach, reach) + reach
        return down * (2 * self.window - 1) + across
