"""Single pixels, scattered evenly."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from zoo.core.errors import BadInput


class Pixels:
    """Every pixel is a hint with a probability that is drawn per photo from ``densities``.

    The hint-guided colorization challenge: 5, 3 or 1 % in training; 0.5 % to evaluate its cohort.

    Args:
        densities: probabilities in [0, 1], each as likely as the others.

    Raises:
        BadInput: no density, or one outside [0, 1].
    """

    def __init__(self, densities: Sequence[float] = (0.05, 0.03, 0.01)) -> None:
        if not densities or not all(0 <= density <= 1 for density in densities):
            raise BadInput(f"hints 'pixels': densities are {list(densities)}; give some from 0 to 1.")
        self.densities = tuple(densities)

    def __call__(self, ab: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        n, _, h, w = ab.shape
        chosen = torch.randint(len(self.densities), (n, 1, 1, 1), generator=generator, device=ab.device)
        # Filled on the device, value by value: a table made on the host would have to wait for the device.
        density = torch.zeros(n, 1, 1, 1, device=ab.device)
        for index, value in enumerate(self.densities):
            density = density.masked_fill(chosen == index, value)
        drawn = torch.rand(n, 1, h, w, generator=generator, device=ab.device)
        mask = (drawn < density).to(ab.dtype)
        return ab * mask, mask
