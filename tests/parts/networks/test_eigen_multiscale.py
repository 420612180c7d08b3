from __future__ import annotations

import pytest
import torch
from torch import nn

from zoo.parts.networks.eigen_multiscale import EigenMultiscale


def convolutions(module: nn.Module) -> list[tuple[int, int, int]]:
    return [(m.in_channels, m.out_channels, m.kernel_size[0]) for m in module.modules() if isinstance(m, nn.Conv2d)]


def test_the_layers_are_those_of_figure_2():
    with torch.device("meta"):
        network = EigenMultiscale()
    assert len(convolutions(network.scale1)) == 13
    assert [(m.in_features, m.out_features) for m in network.scale1.modules() if isinstance(m, nn.Linear)] == [
        (512 * 8 * 8, 4096),
        (4096, 64 * 16 * 16),
    ]
    assert convolutions(network.scale2) == [(4, 96, 9), (96 + 64, 64, 5), (64, 64, 5), (64, 64, 5), (64, 2, 5)]
    assert convolutions(network.scale3) == [(4, 96, 9), (96 + 2, 64, 5), (64, 64, 5), (64, 2, 5)]


def test_for_256_the_connected_layers_see_pool5_itself():
    network = EigenMultiscale(width=2).eval()
    seen: list[torch.Tensor] = []
    network.scale1.connected.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    condition = torch.randn(1, 4, 256, 256)
    with torch.no_grad():
        network(condition)
        x = condition
        for stage in network.scale1.stages:
            x = nn.functional.max_pool2d(stage(x), 2)
    torch.testing.assert_close(seen[0], x.flatten(1))


@pytest.mark.parametrize("size", [(32, 32), (64, 96), (256, 320)])
def test_scale_2_answers_at_a_quarter_and_scale_3_at_half(size):
    network = EigenMultiscale(width=2).eval()
    shapes: list[tuple[int, ...]] = []
    network.scale2.register_forward_hook(lambda module, inputs, output: shapes.append(tuple(output.shape[2:])))
    with torch.no_grad():
        prediction = network(torch.randn(1, 4, *size))
    assert shapes == [(size[0] // 4, size[1] // 4)]
    assert prediction["ab"].shape[2:] == (size[0] // 2, size[1] // 2)
    assert prediction["ab_scale2"].shape[2:] == size


def test_scale_1_reaches_every_pixel_from_every_other():
    torch.manual_seed(0)
    network = EigenMultiscale(width=4).eval()
    condition = torch.randn(1, 4, 64, 64, requires_grad=True)
    network.scale1(condition)[0, :, 0, 0].sum().backward()
    assert condition.grad[0, :, -8:, -8:].any()


def test_the_loss_on_scale_2_does_not_reach_scale_3():
    network = EigenMultiscale(width=2)
    network(torch.randn(1, 4, 32, 32))["ab_scale2"].square().mean().backward()
    assert all(p.grad is None for p in network.scale3.parameters())
    assert any(p.grad is not None and p.grad.any() for p in network.scale1.parameters())
