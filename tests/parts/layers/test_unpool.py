from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from zoo.parts.layers.unpool import unpool


@pytest.mark.parametrize("size", [(8, 8), (9, 13), (30, 23), (2, 3)])
def test_it_is_torch_s_max_unpool_at_any_size(size):
    x = torch.randn(2, 3, *size)
    pooled, indices = F.max_pool2d(x, 2, return_indices=True)
    assert torch.equal(unpool(pooled, indices, size), F.max_unpool2d(pooled, indices, 2, output_size=size))


def test_values_go_back_to_where_they_came_from():
    x = torch.randn(2, 3, 9, 12)
    pooled, indices = F.max_pool2d(x, 2, return_indices=True)
    back = unpool(pooled, indices, (9, 12))
    kept = back != 0
    assert torch.equal(back[kept], x[kept])
    assert kept.sum() == pooled.numel()


def test_it_takes_half_precision():
    x = torch.randn(1, 2, 4, 4).bfloat16()
    pooled, indices = F.max_pool2d(x, 2, return_indices=True)
    assert unpool(pooled, indices, (4, 4)).dtype == torch.bfloat16
