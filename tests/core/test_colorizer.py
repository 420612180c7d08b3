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


class Drawing(nn.Module):
    """Answers as it draws: a map of half the photo's size, rising by one from draw to draw."""

    stride = 8

    def __init__(self, shape=None):
        super().__init__()
        self.shape = shape

    def forward(self, condition):
        return nn.functional.avg_pool2d(condition[:, 1:3], 2)

    def sample(self, condition, k, generator):
        if self.shape:
            return torch.zeros(self.shape)
        return torch.stack([self(condition) + draw for draw in range(k)], dim=1)


def test_samples_are_padded_enlarged_and_cropped_as_the_answer_is():
    colorizer = Colorizer(Drawing())
    condition = torch.rand(2, 4, 13, 21)
    drawn = colorizer.sample(condition, 3, torch.Generator())
    assert drawn.shape == (2, 3, 2, 13, 21)
    for draw in range(3):
        torch.testing.assert_close(drawn[:, draw], colorizer(condition)["ab"] + draw)


@pytest.mark.parametrize("shape", [(2, 3, 2, 8), (2, 2, 2, 16, 24), (2, 3, 3, 16, 24), (2, 3, 2, 15, 24)])
def test_samples_of_another_shape_are_refused(shape):
    with pytest.raises(ContractError):
        Colorizer(Drawing(shape)).sample(torch.rand(2, 4, 13, 21), 3, torch.Generator())


def test_a_network_with_one_answer_is_not_sampled():
    colorizer = Colorizer(nn.Conv2d(4, 2, 1))
    assert not colorizer.can_sample
    with pytest.raises(ContractError, match="one answer only"):
        colorizer.sample(torch.rand(1, 4, 8, 8), 2, torch.Generator())
