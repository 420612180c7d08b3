"""Hints averaged down a pyramid and enlarged again where there are none: smooth, and blind to the photo."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.parts.propagators.pyramid import TRUST_A_LEVEL, goes_on

_EMPTY = 1e-30


class PushPullPropagator(nn.Module):
    """condition (N, 4, H, W) to ab (N, 2, H, W) and confidence (N, 1, H, W) in [0, 1]. Any H, W ≥ 1.

    Gortler, Grzeszczuk, Szeliski, Cohen: The Lumigraph, SIGGRAPH 1996, doi:10.1145/237170.237200 (their rebinning).
    With h the bilinear (½ 1 ½) along each axis, *pulled* to half the size, weights saturating at 1::

        w_above(i) = min(1, Σ_k h(k − 2i) w(k))        x_above(i) = Σ_k h(k − 2i) w(k) x(k) / Σ_k h(k − 2i) w(k)

    and, from the one pixel at the end, *pushed* back: x(k) ← w(k) x(k) + (1 − w(k)) Σ_i h(k − 2i) x_above(i).
    Many hints near each other so count no more than one, and a cell with few of them listens to the level above.

    Confidence is pushed likewise, halved with every level. All tensors, differentiable; a photo without hints
    stays grey and has confidence 0.
    """

    stride = 1

    def forward(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        _, colour, weight = condition.split((1, 2, 1), dim=1)
        levels = [(colour, weight)]
        while goes_on(len(levels), weight):
            colour, weight = pull(colour, weight)
            levels.append((colour, weight))
        confidence = weight
        for fine, known in levels[-2::-1]:
            colour = known * fine + (1 - known) * push(colour, known)
            # 1, but 0 where an exported pyramid goes on below its one pixel
            lower = torch.sym_min(known.shape[-1] * known.shape[-2] - 1, 1)
            confidence = known + (1 - known) * (TRUST_A_LEVEL * lower) * push(confidence, known)
        return colour, confidence


def pull(colour: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """A level's colours (N, C, H, W) and weights (N, 1, H, W) at ⌈H/2⌉ × ⌈W/2⌉: every second pixel, from the first."""
    total = _halved(weight)
    return _halved(colour * weight) / total.clamp_min(_EMPTY), total.clamp_max(1)


def push(image: Tensor, to: Tensor) -> Tensor:
    """(N, C, ⌈H/2⌉, ⌈W/2⌉) at the size of ``to`` (…, H, W), bilinearly; beyond the last pixel it is repeated."""
    height, width = to.shape[-2:]
    return _between(_between(image, width).mT, height).mT


def _halved(image: Tensor) -> Tensor:
    """Sums by (½ 1 ½) around every second pixel, along both axes; outside there is nothing."""
    if torch.compiler.is_exporting():  # of slices with a stride the formulas of a graph's sides grow with every level
        half = torch.tensor([0.5, 1.0, 0.5], dtype=image.dtype, device=image.device)
        planes = F.conv2d(image.flatten(0, 1)[:, None], (half[:, None] * half)[None, None], stride=2, padding=1)
        return planes.view(*image.shape[:2], *planes.shape[-2:])
    for _ in range(2):
        padded = F.pad(image, (1, 1))
        count = (image.shape[-1] - 1) // 2 + 1
        before, here, after = (padded[..., start::2][..., :count] for start in range(3))
        image = (here + (before + after) / 2).mT
    return image


def _between(image: Tensor, width: int) -> Tensor:
    following = torch.cat((image[..., 1:], image[..., -1:]), dim=-1)
    return torch.stack((image, (image + following) / 2), dim=-1).flatten(-2).narrow(-1, 0, width)
