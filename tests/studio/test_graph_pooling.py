"""Pooling as a product of matrices gives what torch's own gives, whole bins or not."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from zoo.studio.graph_pooling import pooled


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (6, 6), (7, 13), (12, 11), (24, 31)])
def test_it_is_adaptive_average_pooling(size):
    image = torch.rand(2, 3, 12, 31, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(pooled(image, size), F.adaptive_avg_pool2d(image, size), rtol=1e-12, atol=1e-12)
