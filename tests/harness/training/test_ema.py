"""The average of the weights is the sum written out, from the start on, also when it is taken up again."""

from __future__ import annotations

import torch
from torch import nn

from zoo.harness.training.schedule import Ema


def moved(network: nn.Module, step: int) -> None:
    generator = torch.Generator().manual_seed(step)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator).to(parameter.dtype))
    network(torch.randn(4, 3, 2, 2, generator=generator))


def test_the_average_is_the_sum_written_out():
    network = nn.Sequential(nn.Conv2d(3, 5, 1), nn.BatchNorm2d(5))
    expected = network[0].weight.detach().double()
    ema = Ema(network, 0.6)
    for step in range(1, 12):
        moved(network, step)
        ema.update_parameters(network)
        decay = min(0.6, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * network[0].weight.detach().double()
        torch.testing.assert_close(ema.module[0].weight.double(), expected, atol=1e-6, rtol=1e-6)
    assert torch.equal(ema.module[1].running_mean, network[1].running_mean)
    assert int(ema.module[1].num_batches_tracked) == 11
    assert not any(parameter.requires_grad for parameter in ema.parameters())


def test_taken_up_again_it_goes_on_to_the_same_bits():
    networks = [nn.Conv2d(3, 5, 1) for _ in range(2)]
    networks[1].load_state_dict(networks[0].state_dict())
    whole, first = (Ema(network, 0.999) for network in networks)
    for step in range(1, 9):
        if step == 5:
            kept, first = first.module.state_dict(), Ema(networks[1], 0.999)
            first.resume(kept, step - 1)
        for network, ema in zip(networks, (whole, first), strict=True):
            moved(network, step)
            ema.update_parameters(network)
    assert torch.equal(whole.module.weight, first.module.weight)


def test_parameters_of_several_types_are_averaged_each_in_its_own():
    network = nn.ModuleList([nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1).double()])
    ema = Ema(network, 0.9)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1)
    ema.update_parameters(network)
    for shadow, live in zip(ema.module.parameters(), network.parameters(), strict=True):
        assert shadow.dtype == live.dtype
        torch.testing.assert_close(shadow, live - 2 / 11)
