from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from zoo.core.contracts import Level, Pyramid
from zoo.core.errors import BadInput
from zoo.parts.bridges.dilated_context import DilatedContext

LEVELS = (Level(4, 1), Level(8, 2), Level(16, 4), Level(32, 8), Level(64, 16))


def pyramid() -> Pyramid:
    generator = torch.Generator().manual_seed(0)
    return Pyramid([torch.rand(1, c, 64 // r, 64 // r, generator=generator) for c, r in LEVELS])


def changed(before: Pyramid, after: Pyramid) -> list[int]:
    return [i for i, (a, b) in enumerate(zip(before.maps, after.maps, strict=True)) if not torch.equal(a, b)]


def test_it_works_on_the_level_asked_for_and_lets_the_others_pass():
    assert changed(pyramid(), DilatedContext(LEVELS)(pyramid())) == [3]
    assert changed(pyramid(), DilatedContext(LEVELS, reduction=2)(pyramid())) == [1]
    assert changed(pyramid(), DilatedContext(LEVELS, reduction=None)(pyramid())) == [4]


def test_a_pyramid_that_ends_before_the_reduction_gives_its_nearest_level():
    assert DilatedContext(LEVELS[:3]).index == 2
    assert DilatedContext((Level(8, 4), Level(8, 16))).index == 1


def test_the_basic_form_starts_as_the_identity_up_to_noise():
    before = pyramid()
    torch.testing.assert_close(DilatedContext(LEVELS, noise=0.0)(before).maps, before.maps)


def test_on_fewer_channels_it_starts_as_the_identity_whatever_the_noise():
    before = pyramid()
    bridge = DilatedContext(LEVELS, form="large", channels=3)
    torch.testing.assert_close(bridge(before).maps, before.maps)


def test_pool_indices_pass():
    indices = [torch.zeros(1, dtype=torch.int64)]
    assert DilatedContext(LEVELS)(Pyramid(pyramid().maps, indices)).pool_indices == indices


def test_the_large_form_on_21_maps_has_the_paper_s_size():
    with torch.device("meta"):
        bridge = DilatedContext((Level(21, 8),), form="large")
    widths = [21, 42, 42, 84, 168, 336, 672, 672]
    expected = sum(9 * a * b + b for a, b in pairwise(widths)) + 672 * 21 + 21
    assert sum(p.numel() for p in bridge.parameters()) == expected


def test_no_channels_are_refused():
    with pytest.raises(BadInput, match="a channel or more"):
        DilatedContext(LEVELS, channels=0)
