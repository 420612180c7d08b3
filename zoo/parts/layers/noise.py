"""Random numbers that training needs, from a generator whose state travels with the checkpoint."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Noise(nn.Module):
    """A generator of its own, seeded as parameters are: from torch's global generator, once, when it is made.

    Numbers are drawn on the CPU, so that they are the same on every device; draw few.
    """

    def __init__(self) -> None:
        super().__init__()
        self._generator = torch.Generator().manual_seed(int(torch.randint(2**62, ())))

    def normal(self, like: Tensor) -> Tensor:
        """N(0, 1), of the shape, type and device of ``like``."""
        return torch.randn(like.shape, generator=self._generator).to(like)

    def uniform(self, like: Tensor) -> Tensor:
        """Uniform in [0, 1), likewise."""
        return torch.rand(like.shape, generator=self._generator).to(like)

    def get_extra_state(self) -> Tensor:
        return self._generator.get_state()

    def set_extra_state(self, state: Tensor) -> None:
        self._generator.set_state(state.cpu())
