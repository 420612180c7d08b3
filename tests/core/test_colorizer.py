"""Any size in, the same size out; contracts are checked where they are broken."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import zoo
from zoo.core.colorizer import Colorizer, reflect_pad
from zoo.core.errors import ContractError


@pytest.mark.parametrize("size", [(64, 64), (65, 97), (1, 1), (1, 50), (17, 3)])
def test_any_size(size):
    model = zoo.build("unet", width=4).eval()
    with torch.no_grad():
        assert model(torch.rand(2, 4, *size))["ab"].shape == (2, 2, *size)


def test_padding_is_torchs_reflection_where_torch_can():
    image = torch.rand(1, 2, 20, 30)
    ours = reflect_pad(image, 16)
    assert torch.equal(ours, nn.functional.pad(image, (0, 2, 0, 12), mode="reflect"))


def test_padding_reflects_as_often_as_it_takes():
    row = torch.tensor([0.0, 1, 2]).view(1, 1, 1, 3)
    assert reflect_pad(row, 8)[0, 0, 0].tolist() == [0, 1, 2, 1, 0, 1, 2, 1]
    assert reflect_pad(torch.ones(1, 1, 1, 1), 4).shape == (1, 1, 4, 4)


class Returns(nn.Module):
    stride = 1

    def __init__(self, output):
        super().__init__()
        self.output = output

    def forward(self, condition):
        return self.output


@pytest.mark.parametrize("output", [torch.zeros(1, 3, 8, 8), {"logits": torch.zeros(1)}, None, torch.zeros(2, 2, 8, 8)])
def test_a_network_that_returns_something_else(output):
    with pytest.raises(ContractError, match="mine"):
        Colorizer(Returns(output), name="mine")(torch.zeros(1, 4, 8, 8))


class Remembers(nn.Module):
    stride = 4

    def forward(self, condition):
        self.seen = condition
        return condition[:, :2]


def test_the_gain_is_of_the_hints_colours_alone():
    network, condition = Remembers(), torch.rand(2, 4, 6, 8)
    Colorizer(network)(condition)
    assert torch.equal(network.seen[..., :6, :], condition)
    Colorizer(network, hint_gain=8)(condition)
    assert torch.equal(network.seen[..., :6, :], condition * torch.tensor([1.0, 8, 8, 1]).view(4, 1, 1))


def test_a_smaller_prediction_is_enlarged():
    out = Colorizer(Returns(torch.ones(1, 2, 4, 4)))(torch.zeros(1, 4, 16, 16))["ab"]
    assert torch.equal(out, torch.ones(1, 2, 16, 16))


def test_a_wrong_condition_and_a_missing_extra():
    with pytest.raises(ContractError, match=r"the condition is \(N, 4, H, W\)"):
        zoo.build("gray")(torch.zeros(1, 3, 8, 8))
    with pytest.raises(ContractError, match="truth_ab"):
        zoo.build("oracle_quarter")(torch.zeros(1, 4, 8, 8))
