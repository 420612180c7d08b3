"""Bins of the ab plane: they cover the gamut, colours go in and out of them, and a network chooses among them."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.color
import torch

from zoo.core.color import split_lab
from zoo.core.errors import BadInput
from zoo.parts.layers.ab_bins import (
    QuantizedAb,
    annealed_mean,
    gamut_bins,
    grid_bins,
    prior_weights,
    soft_neighbours,
)


@pytest.fixture(scope="module")
def srgb_ab() -> np.ndarray:
    """The chroma of 52³ sRGB colours, by scikit-image."""
    level = np.linspace(0, 1, 52)
    cube = np.stack(np.meshgrid(level, level, level), axis=-1).reshape(-1, 1, 3)
    return skimage.color.rgb2lab(cube)[:, 0, 1:]


def soft_encode(ab: torch.Tensor, bins: torch.Tensor) -> torch.Tensor:
    """The soft neighbours as a distribution over all bins: (N, 2, H, W) to (N, Q, H, W)."""
    weights, index = soft_neighbours(ab, bins)
    n, _, h, w = ab.shape
    return weights.new_zeros(n, len(bins), h, w).scatter_(1, index, weights)


def test_the_grid_has_23_by_23_cells_of_side_10() -> None:
    grid = grid_bins()
    assert grid.shape == (529, 2)
    assert grid.min() == -110
    assert grid.max() == 110
    assert torch.unique(grid[:, 0]).diff().eq(10).all()


def test_313_bins_reach_every_cell_the_gamut_touches(srgb_ab: np.ndarray) -> None:
    bins = {tuple(b) for b in gamut_bins().int().tolist()}
    touched = {tuple(cell) for cell in (np.round(srgb_ab / 10) * 10).astype(int).tolist()}
    assert len(bins) == 313
    assert len(touched) == pytest.approx(261, abs=1)  # all 2²⁴ sRGB colours touch 261, by scikit-image
    assert touched <= bins


@pytest.mark.slow
def test_the_bins_left_out_are_further_from_the_gamut_than_those_kept(srgb_ab: np.ndarray) -> None:
    grid, kept = grid_bins().numpy(), {tuple(b) for b in gamut_bins().tolist()}
    distance = {tuple(g): np.linalg.norm(srgb_ab - g, axis=1).min() for g in grid}
    assert max(distance[b] for b in kept) < min(d for g, d in distance.items() if g not in kept)


def test_fewer_bins_are_a_subset() -> None:
    fewer, all_ = ({tuple(b) for b in gamut_bins(count).tolist()} for count in (262, 313))
    assert fewer < all_


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_soft_encoding_is_a_distribution_over_ten_neighbours(dtype: torch.dtype, photos) -> None:
    ab = split_lab(torch.from_numpy(photos[0][:32, :24]).permute(2, 0, 1)[None])[1].to(dtype) * 110
    bins = gamut_bins().to(dtype)
    z = soft_encode(ab, bins)
    assert z.shape == (1, 313, 32, 24)
    assert z.dtype == dtype
    assert ((z > 0).sum(1) == 10).all()
    torch.testing.assert_close(z.sum(1), torch.ones(1, 32, 24, dtype=dtype))
    distance = torch.cdist(ab[0].flatten(1).T.double(), bins.double())
    nearest = distance.argmin(1)
    assert torch.equal(
        distance.gather(1, z[0].flatten(1).argmax(0)[:, None])[:, 0], distance.gather(1, nearest[:, None])[:, 0]
    )


def test_soft_weights_fall_off_as_a_gaussian() -> None:
    """At a bin's centre: itself at 0, four neighbours at 10, four at 10√2."""
    weights, index = soft_neighbours(torch.zeros(1, 2, 1, 1), gamut_bins().float(), k=9, sigma=5.0)
    expected = np.exp(-np.array([0.0] + [100.0] * 4 + [200.0] * 4) / 50)
    np.testing.assert_allclose(weights.flatten().numpy(), expected / expected.sum(), rtol=1e-4)
    assert torch.equal(gamut_bins()[index[0, 0, 0, 0]], torch.zeros(2, dtype=torch.float64))


def test_weights_have_expectation_one_and_favour_the_rare() -> None:
    prior = torch.from_numpy(np.random.default_rng(0).dirichlet(np.full(313, 0.2)))
    for mix in (0.0, 0.5, 1.0):
        weights = prior_weights(prior * 1000 + (mix == 0) * 1e-3, mix)
        p = prior * 1000 + (mix == 0) * 1e-3
        assert (p / p.sum() * weights).sum().item() == pytest.approx(1)
    half = prior_weights(prior)
    assert half[prior.argmin()] > 1 > half[prior.argmax()]
    assert half.max() / half.min() <= 1 + 313 * prior.max()
    torch.testing.assert_close(prior_weights(prior, 1.0), torch.ones(313, dtype=torch.float64))


def test_annealing_goes_from_the_mean_to_the_mode() -> None:
    bins = torch.tensor([[0.0, 0.0], [100.0, 50.0]], dtype=torch.float64)
    logits = torch.tensor([0.25, 0.75], dtype=torch.float64).log().view(1, 2, 1, 1)
    mean, annealed, mode = (annealed_mean(logits, bins, t).flatten() for t in (1.0, 0.38, 0.01))
    sharpened = 0.75 ** (1 / 0.38) / (0.75 ** (1 / 0.38) + 0.25 ** (1 / 0.38))
    torch.testing.assert_close(mean, torch.tensor([75.0, 37.5], dtype=torch.float64))
    torch.testing.assert_close(annealed, torch.tensor([100.0, 50.0], dtype=torch.float64) * sharpened)
    torch.testing.assert_close(mode, bins[1])


def test_encoding_then_the_mean_gives_the_colour_back(srgb_ab: np.ndarray) -> None:
    ab = torch.from_numpy(srgb_ab[::97].T.copy())[None, :, :, None]
    bins = gamut_bins()
    back = annealed_mean(soft_encode(ab, bins).clamp_min(1e-30).log(), bins, temperature=1.0)
    assert (back - ab).norm(dim=1).mean() < 1.5
    assert (back - ab).norm(dim=1).max() < 10


def test_half_precision_logits_are_averaged_in_float32() -> None:
    logits = torch.randn(2, 313, 4, 4, generator=torch.Generator().manual_seed(0)).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        ab = annealed_mean(logits, gamut_bins())
    torch.testing.assert_close(ab, annealed_mean(logits.float(), gamut_bins()))


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
