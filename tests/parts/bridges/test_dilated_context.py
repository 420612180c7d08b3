from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from zoo.core.contracts import Level, Pyramid
from zoo.core.errors import BadInput
from zoo.parts.bridges.dilated_context import ContextModule, DilatedContext

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


def convolutions(module: nn.Module) -> list[nn.Conv2d]:
    return [m for m in module.modules() if isinstance(m, nn.Conv2d)]


@pytest.mark.parametrize("large", [False, True])
def test_the_receptive_field_is_67(large):
    """Measured: the gradient of one pixel of the result, with every weight positive."""
    module = ContextModule(2, large=large)
    for layer in convolutions(module):
        nn.init.constant_(layer.weight, 0.01)
    x = torch.ones(1, 2, 101, 101, dtype=torch.float64, requires_grad=True)
    module.double()(x)[0, :, 50, 50].sum().backward()
    rows, columns = x.grad[0].sum(0).nonzero(as_tuple=True)
    assert rows.max() - rows.min() + 1 == 67
    assert columns.max() - columns.min() + 1 == 67
    assert len(rows) == 67 * 67


def test_dilations_and_widths_are_those_of_table_1():
    layers = convolutions(ContextModule(3, large=True))
    assert [layer.dilation[0] for layer in layers] == [1, 1, 2, 4, 8, 16, 1, 1]
    assert [layer.kernel_size[0] for layer in layers] == [3, 3, 3, 3, 3, 3, 3, 1]
    assert [layer.out_channels // 3 for layer in layers] == [2, 2, 4, 8, 16, 32, 32, 1]
    assert {layer.out_channels for layer in convolutions(ContextModule(3))} == {3}


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("channels", [3, 21])
def test_without_noise_it_starts_as_the_identity(large, channels):
    x = torch.rand(1, channels, 40, 23)
    torch.testing.assert_close(ContextModule(channels, large=large, noise=0.0)(x), x)


@pytest.mark.parametrize(("channels", "large"), [(21, False), (21, True), (256, False)])
def test_with_the_paper_s_noise_it_starts_near_the_identity_however_wide(channels, large):
    torch.manual_seed(0)
    x = torch.rand(1, channels, 24, 24)
    with torch.no_grad():
        difference = ContextModule(channels, large=large)(x) - x
    relative = difference.square().mean().sqrt() / x.square().mean().sqrt()
    assert 0.01 < relative < 0.6


def test_for_the_paper_s_21_classes_the_noise_has_std_a_hundredth():
    torch.manual_seed(0)
    weights = convolutions(ContextModule(21))[0].weight.detach()
    off_centre = weights[:, :, 0, 0]
    assert 0.008 < off_centre.std() < 0.012
