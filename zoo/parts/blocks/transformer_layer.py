"""A transformer layer over a grid of tokens, with relative position biases."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-6


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
