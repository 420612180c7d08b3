"""Normalized convolutions against the formula in scipy, and what a network of them keeps."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate
from scipy.stats import poisson as poisson_law

from zoo.parts.propagators.nconv import NConv, NConvPropagator, poisson, surest
from zoo.parts.propagators.pyramid import PyramidPropagator
from zoo.parts.propagators.spun_pyramid import SpunPyramidPropagator


def test_a_layer_is_the_formula() -> None:
    torch.manual_seed(0)
    layer = NConv(2, 3, 5).double()
    with torch.no_grad():
        layer.bias.copy_(torch.tensor([0.1, -0.2, 0.3]))
    value, confidence = torch.randn(1, 2, 9, 8, dtype=torch.float64), torch.rand(1, 2, 9, 8, dtype=torch.float64)
    confidence[..., :6, :6] = 0  # and a place that no colour reaches
    mean, surer = layer(value, confidence)
    weight = np.log1p(np.exp(layer.raw.detach().numpy()))
    x, c = value[0].numpy(), confidence[0].numpy()
    for channel in range(3):
        above = sum(correlate(x[k] * c[k], weight[channel, k], mode="constant") for k in range(2))
        below = sum(correlate(c[k], weight[channel, k], mode="constant") for k in range(2))
        expected = np.divide(above, below, out=np.zeros_like(above), where=below > 0) + layer.bias[channel].item()
        np.testing.assert_allclose(mean[0, channel].detach().numpy(), expected, atol=1e-12)
        np.testing.assert_allclose(surer[0, channel].detach().numpy(), below / weight[channel].sum(), atol=1e-12)


def test_its_kernels_start_at_poissons_law_and_its_parameters_are_counted() -> None:
    expected = np.outer(*2 * (poisson_law(2.5).pmf(np.arange(5)),))
    np.testing.assert_allclose(poisson(5).numpy(), expected, atol=1e-6)
    assert sum(parameter.numel() for parameter in NConvPropagator().parameters()) == 481  # of the public code


def test_a_pooled_pixel_is_the_surest_of_its_four() -> None:
    confidence = torch.tensor([[0.1, 0.4, 0.2], [0.3, 0.2, 0.0], [0.0, 0.9, 0.5]]).view(1, 1, 3, 3)
    value = torch.arange(9.0).view(1, 1, 3, 3)
    found, surer = surest(value, confidence)
    assert found.flatten().tolist() == [1, 2, 7, 8]
    torch.testing.assert_close(surer.flatten(), torch.tensor([0.4, 0.2, 0.9, 0.5]) / 4)


def test_hints_of_one_colour_give_it_wherever_they_reach(hinted: Callable) -> None:
    condition = hinted(4, 0.01).condition.clone()
    colour = torch.tensor([0.3, -0.2]).view(1, 2, 1, 1)
    condition[:, 1:3] = colour * condition[:, 3:]
    found, confidence = NConvPropagator()(condition)
    torch.testing.assert_close(found, torch.where(confidence > 0, colour, 0.0), atol=1e-5, rtol=0)
    assert float(confidence.max()) <= 1


def test_colour_and_confidence_end_where_no_hint_reaches() -> None:
    condition = torch.zeros(1, 4, 16, 256)
    condition[0, 1:, 8, 0] = torch.tensor([0.4, -0.1, 1])
    found, confidence = NConvPropagator()(condition)
    assert (confidence[..., :32] > 0).all()
    assert not confidence[..., -32:].any()
    assert not found[..., -32:].any()


@pytest.mark.parametrize(("name", "below"), [("pyramid", PyramidPropagator), ("spun_pyramid", SpunPyramidPropagator)])
def test_upon_a_pyramid_it_starts_there_and_learns_how_much_to_add(hinted: Callable, name: str, below: type) -> None:
    condition = hinted(4, 0.01).condition
    plain, upon = NConvPropagator(), NConvPropagator(upon=name)
    upon.load_state_dict(plain.state_dict(), strict=False)
    alone, confidence = plain(condition)
    spread, _ = below()(condition)
    found, surer = upon(condition)
    assert torch.equal(found, spread)
    assert torch.equal(surer, confidence)
    found.square().mean().backward()
    assert upon.share.grad is not None
    assert (upon.share.grad != 0).all()
    with torch.no_grad():
        upon.share.fill_(1)
    torch.testing.assert_close(upon(condition)[0], torch.where(confidence > 0, alone, spread))
