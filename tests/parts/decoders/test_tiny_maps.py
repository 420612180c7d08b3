"""Tiny maps, repaired without changing what larger ones give."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from zoo.parts.decoders.tiny_maps import Enlarged, norms_per_sample


def test_large_maps_are_untouched():
    torch.manual_seed(0)
    network = nn.Conv2d(3, 5, 3, padding=1)
    x = torch.randn(2, 3, 8, 9)
    assert torch.equal(Enlarged(network, 8)(x), network(x))


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (7, 30)])
def test_pointwise_layers_and_global_pooling_see_what_they_would_have_seen(size):
    torch.manual_seed(0)
    pointwise = nn.Conv2d(3, 5, 1)
    x = torch.randn(2, 3, *size)
    torch.testing.assert_close(Enlarged(pointwise, 16)(x), pointwise(x))

    class Pooled(nn.Module):
        def forward(self, y):
            return F.adaptive_avg_pool2d(y, 1).expand_as(y)

    torch.testing.assert_close(Enlarged(Pooled(), 16)(x), x.mean((2, 3), keepdim=True).expand_as(x))


def test_a_network_that_pools_too_often_takes_one_pixel():
    network = nn.Sequential(nn.MaxPool2d(8), nn.Upsample(scale_factor=8))
    with pytest.raises(RuntimeError):
        network(torch.randn(1, 2, 1, 1))
    x = torch.randn(1, 2, 1, 1)
    torch.testing.assert_close(Enlarged(network, 8)(x), x)


def test_only_norms_behind_a_global_pooling_are_replaced():
    network = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)),
        nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)),
        nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4))),
    )
    before = sum(p.numel() for p in network.parameters())
    norms_per_sample(network)
    assert isinstance(network[0][1], nn.BatchNorm2d)
    assert isinstance(network[1][2], nn.BatchNorm2d)
    assert isinstance(network[2][1][1], nn.GroupNorm)
    assert sum(p.numel() for p in network.parameters()) == before
    assert torch.isfinite(network.train()(torch.randn(1, 3, 9, 9))).all()
