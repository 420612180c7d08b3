from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from zoo.core.contracts import Level, Pyramid
from zoo.core.errors import BadInput
from zoo.parts.decoders.hypercolumn import HypercolumnDecoder

LEVELS = (Level(4, 1), Level(4, 2), Level(8, 4), Level(16, 8))


def pyramid() -> Pyramid:
    generator = torch.Generator().manual_seed(0)
    return Pyramid([torch.randn(2, c, 32 // r, 48 // r, generator=generator) for c, r in LEVELS])


@pytest.mark.parametrize("reduction", [1, 2, 4])
def test_it_equals_a_convolution_of_the_concatenated_hypercolumn(reduction):
    torch.manual_seed(0)
    decoder = HypercolumnDecoder(LEVELS, reduction=reduction, width=1)
    size = 32 // reduction, 48 // reduction
    column = torch.cat(
        [
            F.avg_pool2d(m, reduction // level.reduction)
            if level.reduction < reduction
            else F.interpolate(m, size, mode="bilinear", align_corners=False)
            for m, level in zip(pyramid().maps, LEVELS, strict=True)
        ],
        dim=1,
    )
    weight = torch.cat([layer.weight for layer in decoder.columns], dim=1)
    expected = F.relu(F.conv2d(column, weight, decoder.columns[0].bias))
    torch.testing.assert_close(decoder(pyramid()), expected, rtol=1e-4, atol=1e-5)


def test_every_level_reaches_the_result():
    decoder = HypercolumnDecoder(LEVELS, width=1)
    maps = [m.requires_grad_() for m in pyramid().maps]
    decoder(Pyramid(maps)).sum().backward()
    assert all(m.grad.any() for m in maps)


def test_at_full_width_it_has_larsson_s_1024_channels():
    with torch.device("meta"):
        decoder = HypercolumnDecoder(LEVELS, layers=2)
    assert decoder.channels == 1024
    assert sum(p.numel() for p in decoder.parameters()) == (32 * 1024 + 1024) + (1024 * 1024 + 1024)


def test_nonsense_is_refused():
    with pytest.raises(BadInput, match="1 or more"):
        HypercolumnDecoder(LEVELS, width=0)
