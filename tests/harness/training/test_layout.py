"""The layout of weights and maps in memory changes speed and rounding, and nothing else."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from zoo.core.resolve import build
from zoo.harness.training.device import HEAVY, channels_last

CPU = torch.device("cpu")


def lies_channels_last(tensor: torch.Tensor) -> bool:
    return tensor.is_contiguous(memory_format=torch.channels_last)


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(4, 128, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(128, 256, 7, padding=3),
        nn.ConvTranspose2d(256, 512, 3, padding=1),
        nn.Conv2d(512, 2, 3, padding=1),
    )


def test_light_convolutions_are_channels_last_and_heavy_ones_plain(network):
    placed = channels_last(network, CPU)
    convolutions = [layer for layer in placed if hasattr(layer, "weight")]
    assert [layer.weight.numel() >= HEAVY for layer in convolutions] == [False, True, True, False]
    assert [lies_channels_last(layer.weight) for layer in convolutions] == [True, False, False, True]
    assert [layer.weight.is_contiguous() for layer in convolutions] == [False, True, True, False]


@pytest.mark.parametrize("model", ["msau_net", "pan"])
def test_filters_whose_sum_oneDNN_splits_by_the_cache_lie_plain(model):
    """With channels last these are what differed on a processor with another second-level cache."""
    placed = channels_last(build(model, width=16), CPU)
    wide = [m for m in placed.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (7, 7) and m.in_channels >= 32]
    assert wide
    assert all(layer.weight.is_contiguous() for layer in wide)
    narrow = [
        m for m in placed.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3) and m.in_channels == 32
    ]
    assert all(lies_channels_last(layer.weight) for layer in narrow)


def test_the_numbers_and_the_gradients_stay(network):
    x = torch.rand(2, 4, 6, 5)
    plain = copy.deepcopy(network).double()
    placed = channels_last(network, CPU)
    seen = []
    placed[2].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].is_contiguous()))
    got, expected = placed(x.to(memory_format=torch.channels_last)), plain(x.double())
    assert seen == [True]
    torch.testing.assert_close(got.double(), expected, atol=1e-5, rtol=1e-5)
    got.square().sum().backward()
    expected.square().sum().backward()
    for mine, theirs in zip(placed.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(mine.grad.double(), theirs.grad, atol=1e-3, rtol=1e-4)
        assert mine.grad.stride() == mine.stride()  # else the optimizer would copy it at every step


def test_a_copy_and_its_state_are_like_any_other(network):
    placed = channels_last(copy.deepcopy(network), CPU)
    twin = copy.deepcopy(placed)
    x = torch.rand(1, 4, 8, 8)
    assert torch.equal(twin(x), placed(x))
    assert list(placed.state_dict()) == list(network.state_dict())
    fresh = channels_last(copy.deepcopy(network), CPU)
    nn.init.zeros_(fresh[2].weight)
    fresh.load_state_dict(placed.state_dict())
    assert fresh[2].weight.is_contiguous()
    assert torch.equal(fresh(x), placed(x))


def test_a_colorizer_with_a_heavy_layer_colorizes_as_before():
    colorizer = build("fcn8s", width=16).eval()
    condition = torch.rand(1, 4, 64, 64)
    with torch.no_grad():
        before = colorizer(condition)["ab"]
        after = channels_last(colorizer, CPU)(condition)["ab"]
    torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-4)
