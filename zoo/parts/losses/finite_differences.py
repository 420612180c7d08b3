"""Spatial gradients of a map."""

from __future__ import annotations

import torch
from torch import Tensor


def forward_differences(x: Tensor) -> tuple[Tensor, Tensor]:
    """Along x and along y, both of the shape of ``x`` (…, H, W); 0 in the last column, last row."""
    return (
        torch.diff(x, dim=-1, append=x[..., -1:]),
        torch.diff(x, dim=-2, append=x[..., -1:, :]),
    )
