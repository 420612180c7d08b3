from __future__ import annotations

import pytest
import torch
from torch import nn

from zoo.core.contracts import Level, Pyramid
from zoo.core.errors import BadInput
from zoo.parts.decoders.segnet import SegNetDecoder
from zoo.parts.encoders.vgg import VGGEncoder


def convolutions(module: nn.Module) -> list[nn.Conv2d]:
    return [m for m in module.modules() if isinstance(m, nn.Conv2d)]


def test_thirteen_convolutions_mirror_thirteen():
    with torch.device("meta"):
        encoder = VGGEncoder(4, norm="batch", indices=True)
        decoder = SegNetDecoder(encoder.levels)
    assert len(convolutions(encoder)) == len(convolutions(decoder)) == 13
    widths = [layer.out_channels for layer in convolutions(decoder)]
    assert widths == [512, 512, 512, 512, 512, 256, 256, 256, 128, 128, 64, 64, 64]


def test_what_is_unpooled_lies_where_the_encoder_found_it():
    torch.manual_seed(0)
    encoder = VGGEncoder(4, width=4, norm="batch", indices=True)
    decoder = SegNetDecoder(encoder.levels)
    seen: list[torch.Tensor] = []
    for stage in decoder.stages:
        stage.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    pyramid = encoder(torch.randn(2, 4, 64, 96))
    decoder(pyramid)
    for unpooled, indices, fine in zip(seen, reversed(pyramid.pool_indices), reversed(pyramid.maps[:-1]), strict=True):
        assert unpooled.shape == fine.shape
        holes = torch.ones_like(unpooled).flatten(2).scatter(2, indices.flatten(2), 0.0).view_as(unpooled)
        assert not (unpooled * holes).any()
    # The first unpooling undoes the last pooling: the pooled values stand where they were the largest.
    values = seen[0] != 0
    assert torch.equal(seen[0][values], pyramid.maps[-2][values])


def test_odd_sizes_need_no_table():
    encoder = VGGEncoder(4, width=2, norm="batch", indices=True)
    decoder = SegNetDecoder(encoder.levels)
    # 360 × 480 is what the authors' 30×23 and 60×45 were written for; 45 is odd after three poolings.
    assert decoder(encoder(torch.randn(1, 4, 90, 122))).shape == (1, 2, 90, 122)


def test_a_coarsest_level_of_other_channels_is_narrowed_first():
    levels = (Level(4, 1), Level(8, 2), Level(16, 4))
    decoder = SegNetDecoder(levels, convolutions=(1,))
    maps = [torch.randn(1, c, 32 // r, 32 // r) for c, r in levels]
    indices = [torch.nn.functional.max_pool2d(m, 2, return_indices=True)[1] for m in maps[:-1]]
    assert decoder(Pyramid(maps, indices)).shape == (1, 4, 32, 32)


def test_an_encoder_without_indices_is_refused():
    decoder = SegNetDecoder((Level(4, 1), Level(8, 2)))
    with pytest.raises(BadInput, match="indices: true"):
        decoder(Pyramid([torch.randn(1, 4, 8, 8), torch.randn(1, 8, 4, 4)]))
