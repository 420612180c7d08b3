"""A distribution over bins, decoded between its mean and its mode."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zoo.core.errors import BadInput
from zoo.parts.blocks.quantized_ab import QuantizedAb


def test_towards_zero_temperature_the_colour_is_the_likeliest_bin():
    quantized = QuantizedAb(8)
    logits = torch.randn(2, 313, 5, 4, generator=torch.Generator().manual_seed(0))
    likeliest = quantized.bins[logits.argmax(1)].movedim(-1, 1) / 110
    torch.testing.assert_close(quantized.colour(logits, 1e-6), likeliest)


def test_at_temperature_one_it_is_the_mean():
    quantized = QuantizedAb(8, bins=40)
    logits = torch.randn(1, 40, 3, 2, generator=torch.Generator().manual_seed(1))
    z = np.exp(logits.double().numpy())
    z /= z.sum(1, keepdims=True)
    mean = np.einsum("nqhw,qc->nchw", z, quantized.bins.double().numpy()) / 110
    np.testing.assert_allclose(quantized.colour(logits, 1.0).numpy(), mean, atol=1e-6)


def test_a_fresh_network_starts_near_grey():
    quantized = QuantizedAb(64)
    features = torch.randn(1, 64, 8, 8, generator=torch.Generator().manual_seed(2))
    colour = quantized.colour(quantized(features)["logits"], 0.38) * 110
    assert colour.abs().max() < 3


def test_bins_are_values_even_where_the_network_is_laid_out_without_storage():
    with torch.device("meta"):
        laid_out = QuantizedAb(8)
    assert laid_out.project.weight.is_meta
    assert torch.equal(laid_out.bins, QuantizedAb(8).bins)
    assert not QuantizedAb(8, bins=529).bins.is_meta


def test_half_precision_features_give_a_float32_colour():
    quantized = QuantizedAb(8)
    with torch.autocast("cpu", torch.bfloat16):
        logits = quantized(torch.randn(1, 8, 2, 2))["logits"]
        assert logits.dtype == torch.bfloat16
        assert quantized.colour(logits, 0.38).dtype == torch.float32


@pytest.mark.parametrize("bins", [1, 530])
def test_a_number_of_bins_that_the_grid_does_not_have_is_refused(bins):
    with pytest.raises(BadInput, match=f"{bins} colours"):
        QuantizedAb(8, bins=bins)
