"""Hints carried to the right regions by attention over the whole photo, or over its quarters first."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.contracts import CONDITION_CHANNELS, HINT_GAIN, Prediction
from zoo.core.errors import BadInput
from zoo.parts.layers.conv_unit import start_grey

HEAD_WIDTH = 64

WINDOW = 14
"""The originals are trained on 224 pixels, 14×14 patches."""

EPSILON = 1e-6
"""Of the layer norms."""

Windows = Literal["none", "separate", "joined"]
"""Whether the photo's quarters are encoded first, and whether a convolution crosses their borders."""


class IColoriT(nn.Module):
    """iColoriT (arXiv:2207.06831): condition (N, 4, H, W), sides multiples of ``patch``, to ``ab`` (N, 2, H, W) in ±1.

    A vision transformer on patches of all four channels, with sine-cosine positions and relative position biases; the
    local stabilising layer, a 3×3 convolution between neighbouring patches' outputs, to 2·patch² channels; and
    pixel shuffle instead of a decoder (sections 3.2 to 3.4; details as in its authors' code). Positions are
    computed for the grid at hand, so any size works. The output starts near grey.

    Sizes of the paper, all with depth 12: iColoriT width 768, iColoriT-S 384, iColoriT-T 192.

    iReWindColor (ICASSP 2025, ieeexplore.ieee.org/document/10890353; details as in its authors' code) encodes the
    photo's quarters first, by a third of the layers, and adds what comes out to the tokens of the whole photo
    (:class:`WindowEncoder`); every layer then ends in a convolution. In its second version (IEEE Access 2025,
    document/11153943) the convolution in the quarters' layers crosses the borders between them.

    Args:
        width: of a token; there is a head for each 64.
        depth: transformer layers; with windows a third of them on the quarters, two thirds on the whole photo.
        patch: side of a patch in pixels.
        heads: of the attention, if not one for each 64 channels.
        windows: ``none`` is iColoriT, ``separate`` iReWindColor, ``joined`` iReWindColor v2.

    Raises:
        BadInput: a width that is odd or does not divide into the heads; with windows a quarter of the width that is or
            does not, fewer than 3 layers, or a patch that is odd.
    """

    hint_gain = HINT_GAIN

    def __init__(
        self,
        *,
        width: int = 768,
        depth: int = 12,
        patch: int = 16,
        heads: int | None = None,
        windows: Windows = "none",
    ):
        super().__init__()
        heads = heads or max(1, width // HEAD_WIDTH)
        if width % heads or width % 2:
            raise BadInput(
                f"iColoriT of width {width} does not divide into {heads} heads, or is odd; change the width."
            )
        if windows != "none" and (width % (4 * heads) or width % 8 or depth < 3 or patch % 2):
            raise BadInput(
                f"iReWindColor of width {width}, depth {depth}, patch {patch} does not divide; "
                f"give a width that 8 and {4 * heads} divide, 3 layers or more, an even patch."
            )
        self.stride = patch
        self.width = width
        self.embed = nn.Conv2d(CONDITION_CHANNELS, width, patch, stride=patch)
        self.windows = WindowEncoder(width, depth // 3, patch, heads, windows) if windows != "none" else None
        whole = depth if windows == "none" else 2 * depth // 3
        self.layers = nn.ModuleList(TransformerLayer(width, heads, WINDOW, windows) for _ in range(whole))
        self.norm = nn.LayerNorm(width, eps=EPSILON)
        self.stabilise = nn.Conv2d(width, 2 * patch**2, 3)
        self.apply(_initialise)
        start_grey(self.stabilise)

    def forward(self, condition: Tensor) -> Prediction:
        # The original's lightness is (L* - 50) / 100, half of ours; its mask is not centred.
        seen = torch.cat((condition[:, :1] / 2, condition[:, 1:]), dim=1)
        x = self.embed(seen)
        height, width = x.shape[-2:]
        x = _tokens(x)
        if self.windows is not None:
            x = x + self.windows(seen).flatten(2).transpose(1, 2)
        for layer in self.layers:
            x = layer(x, (height, width))
        x = self.norm(x).transpose(1, 2).unflatten(2, (height, width))
        x = self.stabilise(_framed(x)).float()
        return {"ab": torch.tanh(F.pixel_shuffle(x, self.stride))}


class WindowEncoder(nn.Module):
    """A photo (N, 4, H, W) by quarters: (N, channels, H / patch, W / patch), sides multiples of an even ``patch``.

    Patches of half the side become tokens of a quarter of the channels. Within each quarter of the photo these pass
    ``depth`` layers; then the quarters are put together, and a 2×2 convolution of stride 2 makes one token of four.
    """

    def __init__(self, channels: int, depth: int, patch: int, heads: int, windows: Windows):
        super().__init__()
        self.joined = windows == "joined"
        self.embed = nn.Conv2d(CONDITION_CHANNELS, channels // 4, patch // 2, stride=patch // 2)
        self.layers = nn.ModuleList(TransformerLayer(channels // 4, heads, WINDOW, windows) for _ in range(depth))
        self.norm = nn.LayerNorm(channels // 4, eps=EPSILON)
        self.merge = nn.Conv2d(channels // 4, channels, 2, stride=2)

    def forward(self, photo: Tensor) -> Tensor:
        maps = _quartered(self.embed(photo))
        grid = maps.shape[-2:]
        x = _tokens(maps)
        for layer in self.layers:
            x = layer(x, grid, across=self.joined)
        return self.merge(_put_together(self.norm(x).transpose(1, 2).unflatten(2, grid)))


def _quartered(x: Tensor) -> Tensor:
    """(N, C, 2h, 2w) to (4N, C, h, w): all upper left quarters, all upper right ones, the lower ones."""
    n, channels, height, width = x.shape
    return x.view(n, channels, 2, height // 2, 2, width // 2).permute(2, 4, 0, 1, 3, 5).flatten(0, 2)


def _put_together(x: Tensor) -> Tensor:
    """The inverse of :func:`_quartered`."""
    x = x.unflatten(0, (2, 2, -1)).permute(2, 3, 0, 4, 1, 5)
    return x.flatten(4, 5).flatten(2, 3)


def _tokens(x: Tensor) -> Tensor:
    """A map (N, C, h, w) as tokens (N, h·w, C) that know their number."""
    channels, count = x.shape[1], x.shape[-2] * x.shape[-1]
    return x.flatten(2).transpose(1, 2) + sine_positions(count, channels, x.device).to(x.dtype)


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

    With windows x + gelu(depthwise 3×3(norm(x))) follows, on the map of the tokens: :class:`LocalMix`.

    Args:
        heads: of the attention; C is a multiple of it.
        window: side of the grid of tokens that has a bias of its own for each offset.
        windows: which network it is a layer of.
    """

    def __init__(self, channels: int, heads: int, window: int, windows: Windows = "none"):
        super().__init__()
        self.norm_attention = nn.LayerNorm(channels, eps=EPSILON)
        self.attention = GridAttention(channels, heads, window)
        self.norm_mlp = nn.LayerNorm(channels, eps=EPSILON)
        self.mlp = nn.Sequential(nn.Linear(channels, 4 * channels), nn.GELU(), nn.Linear(4 * channels, channels))
        self.local = LocalMix(channels, over_channels=windows == "joined") if windows != "none" else None

    def forward(self, x: Tensor, grid: tuple[int, int], *, across: bool = False) -> Tensor:
        """``across``: the tokens are of quarters, whose borders the convolution crosses."""
        x = x + self.attention(self.norm_attention(x), grid)
        x = x + self.mlp(self.norm_mlp(x))
        if self.local is None:
            return x
        maps = x.transpose(1, 2).unflatten(2, grid)
        mixed = _quartered(self.local(_put_together(maps))) if across else self.local(maps)
        return x + mixed.flatten(2).transpose(1, 2)


class LocalMix(nn.Module):
    """gelu(depthwise 3×3(norm(x))) of a map (N, C, h, w); the convolution has no bias.

    Version 2 normalises over the channels. The first does over a row of the map, as its code has it; its scale and
    shift for each of 14 columns are left out, since maps here have any width.
    """

    def __init__(self, channels: int, *, over_channels: bool):
        super().__init__()
        self.norm = nn.LayerNorm(channels, eps=EPSILON) if over_channels else None
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.norm is None:
            x = F.layer_norm(x, x.shape[-1:], eps=EPSILON)
        else:
            x = self.norm(x.movedim(1, -1)).movedim(-1, 1)
        return F.gelu(self.conv(x))


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
        # Spread out and not divided: a graph for photos of every size knows its sides as tensors only.
        row = torch.arange(height, device=device)[:, None].expand(height, width).reshape(-1)
        column = torch.arange(width, device=device).expand(height, width).reshape(-1)
        down = (row[:, None] - row).clamp(-reach, reach) + reach
        across = (column[:, None] - column).clamp(-reach, reach) + reach
        return down * (2 * self.window - 1) + across
