"""No hints: automatic colorization."""

from __future__ import annotations

import torch
from torch import Tensor


class NoHints:
    """Empty hints for any photo: ``hint_ab`` and ``hint_mask`` are 0; draws nothing."""

    def __call__(self, ab: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        return torch.zeros_like(ab), torch.zeros_like(ab[:, :1])
