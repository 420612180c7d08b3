from __future__ import annotations

import pytest
import torch
from torch import nn

from zoo.parts.networks.icnet import ICNet, PyramidPooling


def shapes_of(network: nn.Module, condition: torch.Tensor) -> dict[str, tuple[int, ...]]:
    seen: dict[str, tuple[int, ...]] = {}
    for name in ("low", "medium", "high"):
        getattr(network, name).register_forward_hook(
            lambda module, inputs, output, name=name: seen.__setitem__(name, tuple(output.shape[1:]))
        )
    with torch.no_grad():
        network(condition)
    return seen


def test_the_branches_have_the_published_widths_and_strides():
    seen = shapes_of(ICNet().eval(), torch.randn(1, 4, 256, 256))
    assert seen == {"low": (256, 8, 8), "medium": (256, 16, 16), "high": (64, 32, 32)}


def test_it_counts_the_convolutions_of_the_released_model():
    with torch.device("meta"):
        network = ICNet()
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    trunk = 3 + 3 * (3 + 4 + 6 + 3) + 4 + 1  # stem, bottlenecks, projections, conv5_4_k1
    cascade = 3 + 2 * 2  # conv1_sub1 … conv3_sub1; a refining and a projecting convolution a fusion
    heads = 3
    assert len(convolutions) == trunk + cascade + heads
    dilations = [m.dilation[0] for m in network.low.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
    assert dilations == [1] * 3 + [2] * 6 + [4] * 3


def test_the_weights_of_the_trunk_are_as_many_as_in_the_released_model():
    """Weights of conv1_1 … conv5_4_k1 in the released prototxt, its first layer reading 4 channels instead of 3."""

    def bottleneck(a: int, b: int, *, project: bool) -> int:
        inner = b // 4
        return a * inner + 9 * inner**2 + inner * b + (a * b if project else 0)

    stem = 9 * (4 * 32 + 32 * 32 + 32 * 64)
    conv2 = bottleneck(64, 128, project=True) + 2 * bottleneck(128, 128, project=False)
    conv3 = bottleneck(128, 256, project=True) + 3 * bottleneck(256, 256, project=False)
    conv4 = bottleneck(256, 512, project=True) + 5 * bottleneck(512, 512, project=False)
    conv5 = bottleneck(512, 1024, project=True) + 2 * bottleneck(1024, 1024, project=False)
    with torch.device("meta"):
        network = ICNet()
    ours = sum(
        m.weight.numel()
        for branch in (network.medium, network.low)
        for m in branch.modules()
        if isinstance(m, nn.Conv2d)
    )
    assert ours == stem + conv2 + conv3 + conv4 + conv5 + 1024 * 256


def test_intermediate_predictions_are_made_for_training_only():
    network = ICNet(width=4)
    condition = torch.randn(2, 4, 64, 96)
    trained = network.train()(condition)
    assert {key: tuple(value.shape) for key, value in trained.items()} == {
        "ab": (2, 2, 16, 24),
        "ab_sub4": (2, 2, 64, 96),
        "ab_sub24": (2, 2, 64, 96),
    }
    assert set(network.eval()(condition)) == {"ab"}


@pytest.mark.parametrize("size", [(2, 2), (7, 12)])
def test_pyramid_pooling_of_a_constant_counts_it_five_times(size):
    x = torch.full((1, 3, *size), 2.0)
    torch.testing.assert_close(PyramidPooling()(x), 5 * x)
