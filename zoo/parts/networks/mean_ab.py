"""The best constant: the mean colour of the training photos."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from zoo.core.contracts import Batch
from zoo.core.errors import BadInput


class MeanAb(nn.Module):
    """One ab for every pixel: condition (N, 4, H, W) to (N, 2, H, W).

    The mean over all training pixels, which no other constant beats in squared error. Grey before :meth:`fit`.
    """

    stride = 1
    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(2))

    def fit(self, data: Iterable[Batch]) -> None:
        """One pass over the training photos.

        Raises:
            BadInput: there is no training photo.
        """
        total, pixels = torch.zeros(2, dtype=torch.float64), 0
        for batch in data:
            count = batch.ab.numel() // 2
            total += batch.ab.mean((0, 2, 3)).cpu().double() * count
            pixels += count
        if pixels == 0:
            raise BadInput("mean_ab has no training photo to take a mean of; give a data source with some.")
        self.mean.copy_(total / pixels)

    def forward(self, condition: Tensor) -> Tensor:
        n, _, height, width = condition.shape
        return self.mean.view(1, 2, 1, 1).expand(n, 2, height, width)
