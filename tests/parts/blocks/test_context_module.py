from __future__ import annotations

import pytest
import torch
from torch import nn

from zoo.parts.blocks.context_module import ContextModule


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
