import pytest
import torch
import torch.nn.functional as F

from zoo.core.contracts import Level
from zoo.core.errors import BadInput, UnknownName
from zoo.parts.encoders.conv import ConvEncoder


@pytest.mark.parametrize("block", ["double_conv", "residual", "recurrent", "recurrent_residual"])
@pytest.mark.parametrize("size", [(32, 48), (33, 17)])
def test_levels_tell_the_truth(block, size):
    encoder = ConvEncoder(4, block=block, width=4, depth=5)
    assert encoder.levels == tuple(Level(4 * 2**i, 2**i) for i in range(5))
    maps = encoder(torch.randn(2, 4, *size)).maps
    expected = [(2, level.channels, size[0] // level.reduction, size[1] // level.reduction) for level in encoder.levels]
    assert [tuple(m.shape) for m in maps] == expected


def test_every_parameter_gets_a_gradient():
    torch.manual_seed(0)
    encoder = ConvEncoder(4, width=4, depth=3)
    sum((m * torch.randn_like(m)).sum() for m in encoder(torch.randn(2, 4, 16, 16)).maps).backward()
    assert all(p.grad.any() for p in encoder.parameters())


def test_indices_put_maxima_back_where_they_came_from():
    torch.manual_seed(0)
    encoder = ConvEncoder(4, width=4, depth=3, indices=True)
    pyramid = encoder(torch.randn(1, 4, 13, 10))
    assert len(pyramid.pool_indices) == 2
    for features, indices in zip(pyramid.maps[:-1], pyramid.pool_indices, strict=True):
        pooled = F.max_pool2d(features, 2)
        restored = F.max_unpool2d(pooled, indices, 2, output_size=features.shape[-2:])
        kept = restored != 0
        assert torch.equal(restored[kept], features[kept])
    assert not ConvEncoder(4, width=4, depth=3)(torch.randn(1, 4, 12, 8)).pool_indices


def test_width_is_capped():
    assert [level.channels for level in ConvEncoder(4, width=8, depth=4, max_width=20).levels] == [8, 16, 20, 20]


def test_average_pooling_halves_too():
    encoder = ConvEncoder(4, width=4, depth=2, pool="average").eval()
    finest, coarsest = encoder(torch.randn(1, 4, 8, 8)).maps
    torch.testing.assert_close(coarsest, encoder.stages[1](F.avg_pool2d(finest, 2)))


@pytest.mark.parametrize("options", [{"depth": 0}, {"width": 0}, {"pool": "average", "indices": True}])
def test_what_makes_no_pyramid_is_refused(options):
    with pytest.raises(BadInput):
        ConvEncoder(4, **options)


def test_an_unknown_block_is_named_with_the_nearest():
    with pytest.raises(UnknownName, match="double_conv"):
        ConvEncoder(4, block="duble_conv")
