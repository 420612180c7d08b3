from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from zoo.core.contracts import Level, Pyramid
from zoo.core.errors import BadInput
from zoo.parts.decoders.enet import ENetDecoder

LEVELS = (Level(4, 1), Level(8, 2), Level(16, 4))


def test_it_takes_any_pyramid_with_indices_whatever_the_sizes():
    maps = [torch.randn(2, 4, 21, 13), torch.randn(2, 8, 10, 6), torch.randn(2, 16, 5, 3)]
    indices = [F.max_pool2d(m, 2, return_indices=True)[1] for m in maps[:-1]]
    assert ENetDecoder(LEVELS)(Pyramid(maps, indices)).shape == (2, 4, 21, 13)


def test_an_encoder_without_indices_is_refused():
    maps = [torch.randn(1, c, 16 // r, 16 // r) for c, r in LEVELS]
    with pytest.raises(BadInput, match="indices: true"):
        ENetDecoder(LEVELS)(Pyramid(maps))


def test_a_finest_level_beyond_half_the_photo_is_refused():
    with pytest.raises(BadInput, match="reduction 1 or 2"):
        ENetDecoder((Level(4, 4), Level(8, 8)))
