"""Gaussian filtering of maps, as multiplication by two small matrices.

Separable: blurred = R · x · Cᵀ, where row i of R (H × H) and C (W × W) holds the weights of a window
centred on i. For two chroma channels of a training crop this is faster, forward and backward, than a
convolution with the 33 and more taps that σ = 8 asks for, and several σ share their first product.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor


@lru_cache(maxsize=32)
def window_matrices(
    side: int, sigmas: tuple[float, ...], radius: int | None, zero_padded: bool, device: torch.device
) -> Tensor:
    """(S, side, side) float32; ``[s, i, j]`` is the weight of sample j in the window around i.

    Args:
        radius: the window ends this many samples from its centre; ``None``: it covers the side.
        zero_padded: ``False``: each row is renormalised to sum 1, so that borders see only what is
            there. ``True``: the weights of the whole window sum to 1 and what lies outside is 0.
    """
    # A matrix first asked for while scoring must still be good for training later.
    with torch.inference_mode(False):
        reach = max(side - 1, radius or 0)
        offset = torch.arange(-reach, reach + 1, dtype=torch.float64)
        spread = torch.tensor(sigmas, dtype=torch.float64)[:, None]
        taps = torch.exp(-offset.square() / (2 * spread.square()))
        if radius is not None:
            taps = taps * (offset.abs() <= radius)
        taps = taps / taps.sum(1, keepdim=True)
        position = torch.arange(side)
        matrices = taps[:, position[None, :] - position[:, None] + reach]
        if not zero_padded:
            matrices = matrices / matrices.sum(2, keepdim=True)
        return matrices.to(device, torch.float32)


def blur(x: Tensor, sigmas: Sequence[float], *, radius: int | None = None, zero_padded: bool = False) -> list[Tensor]:
    """``x`` (N, C, H, W) float32 filtered with each σ (in pixels): a list of (N, C, H, W).

    ``radius`` and ``zero_padded`` as in :func:`window_matrices`.
    """
    n, c, h, w = x.shape
    rows = window_matrices(h, tuple(sigmas), radius, zero_padded, x.device)
    columns = window_matrices(w, tuple(sigmas), radius, zero_padded, x.device)
    with torch.autocast(x.device.type, enabled=False):
        lines = x.reshape(n * c * h, w)
        return [
            torch.bmm(row.expand(n * c, h, h), (lines @ column.T).view(n * c, h, w)).view(n, c, h, w)
            for row, column in zip(rows, columns, strict=True)
        ]
