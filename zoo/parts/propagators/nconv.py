"""Normalized convolutions: colours averaged where there are some, and how sure that is."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.errors import BadInput
from zoo.parts.propagators.spun_pyramid import PYRAMIDS

_EMPTY = 1e-20


class NConv(nn.Module):
    """A normalized convolution (doi:10.1109/TPAMI.2019.2929170).

    Values x and confidences c (N, in, H, W) to (N, out, H, W) each::

        y = (w ∗ (x · c)) / (w ∗ c + ε) + b,        c' = (w ∗ c) / Σ w,        w = softplus(v) ≥ 0

    Softplus is applied once, as in the paper; the public code applies it in the forward and before it.
    """

    def __init__(self, in_channels: int, out_channels: int, side: int):
        super().__init__()
        self.raw = nn.Parameter(poisson(side).expand(out_channels, in_channels, side, side).clone())
        with torch.no_grad():
            self.raw.add_(torch.rand_like(self.raw))
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def forward(self, value: Tensor, confidence: Tensor) -> tuple[Tensor, Tensor]:
        weight = F.softplus(self.raw)
        reach = weight.shape[-1] // 2
        total = F.conv2d(confidence, weight, padding=reach)
        mean = F.conv2d(value * confidence, weight, padding=reach) / (total + _EMPTY)
        return mean + self.bias[:, None, None], total / weight.sum((1, 2, 3))[:, None, None]


def poisson(side: int) -> Tensor:
    """(side, side): Poisson's distribution with mean side / 2 along both axes, where the public code starts."""
    steps = torch.arange(side, dtype=torch.float32)
    along = torch.exp(steps * torch.tensor(side / 2).log() - side / 2 - torch.lgamma(steps + 1))
    return along[:, None] * along


class NConvPropagator(nn.Module):
    """condition (N, 4, H, W) to ab (N, 2, H, W) and confidence (N, 1, H, W) in [0, 1]. Any H, W ≥ 1.

    The network of normalized convolutions of doi:10.1109/TPAMI.2019.2929170 (its 481 parameters are those of the public
    code): three of 5×5, then again at a half, a quarter and an eighth of the photo, sharing weights, and 3×3 ones that
    join each scale with the coarser one. A pooled pixel is the surest of its four, with a quarter of its confidence.
    a and b are two images of one confidence, each seen alone, as depth is there.

    It knows nothing of the photo: what it is fed to does. Where no hint reaches, colour is grey and confidence 0.

    Args:
        channels: of a map.
        upon: ``none``, as in the paper, or ``pyramid`` or ``spun_pyramid``: the colours of that, and of what the
            convolutions say beyond them a share that is learned from 0 on. Kernels that do not see the photo carry
            colour across its edges.

    Raises:
        BadInput: no channel.
    """

    stride = 1

    def __init__(self, *, channels: int = 2, upon: Literal["none", "pyramid", "spun_pyramid"] = "none"):
        super().__init__()
        if channels < 1:
            raise BadInput(f"nconv: channels={channels} hold nothing; give 1 or more, such as 2.")
        self.first = NConv(1, channels, 5)
        self.second = NConv(channels, channels, 5)
        self.third = NConv(channels, channels, 5)
        self.joins = nn.ModuleList(NConv(2 * channels, channels, 3) for _ in range(3))
        self.last = NConv(channels, 1, 1)
        self.upon = None if upon == "none" else PYRAMIDS[upon]()
        if self.upon is not None:
            self.share = nn.Parameter(torch.zeros(2, 1, 1))

    def forward(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        _, hint_ab, mask = condition.split((1, 2, 1), dim=1)
        value, confidence = hint_ab.reshape(-1, 1, *hint_ab.shape[-2:]), mask.repeat_interleave(2, 0)
        full = self.third(*self.second(*self.first(value, confidence)))
        half = self.third(*self.second(*surest(*full)))
        quarter = self.second(*surest(*half))
        found = self.second(*surest(*quarter))
        for join, finer in zip(self.joins, (quarter, half, full), strict=True):
            value, confidence = (
                torch.cat((fine, F.interpolate(coarse, fine.shape[-2:], mode="nearest")), dim=1)
                for fine, coarse in zip(finer, found, strict=True)
            )
            found = join(value, confidence)
        value, confidence = self.last(*found)
        ab, confidence = value.view_as(hint_ab), confidence[::2]
        if self.upon is None:
            return torch.where(confidence > 0, ab, 0.0), confidence.clamp(0, 1)
        spread, _ = self.upon(condition)
        return spread + self.share * torch.where(confidence > 0, ab - spread, 0.0), confidence.clamp(0, 1)


def surest(value: Tensor, confidence: Tensor) -> tuple[Tensor, Tensor]:
    """(N, C, H, W) each at ⌈H/2⌉ × ⌈W/2⌉: of four pixels the one of most confidence, and a quarter of that."""
    pooled, index = F.max_pool2d(confidence, 2, ceil_mode=True, return_indices=True)
    return value.flatten(2).gather(2, index.flatten(2)).view_as(pooled), pooled / 4
