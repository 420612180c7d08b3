"""Batch normalisation of feature vectors, for batches of any size."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class VectorNorm(nn.BatchNorm1d):
    """BatchNorm of (N, C) that also trains on a batch of one.

    A single vector has no variance to be divided by; it is normalised with the running statistics then, which
    it leaves as they are.
    """

    def forward(self, input: Tensor) -> Tensor:
        if self.training and len(input) == 1:
            return F.batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(input)
