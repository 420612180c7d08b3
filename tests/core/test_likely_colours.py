"""Colours that a pixel may well have: clusters of its distribution, as sRGB has them at its lightness."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial import Delaunay
from skimage.color import lab2rgb, rgb2lab

from zoo.core.likely_colours import DISPLAYABLE, displayed, distribution_at, likely_colours
from zoo.core.resolve import build
from zoo.parts.layers.ab_bins import gamut_bins, grid_bins

CLUMPS = np.array([[-60.0, 0], [60, 0], [0, 60]])
BINS = grid_bins().float()
MIDDLE = 0.2
"""L*/50 − 1 of L* = 60."""


@pytest.fixture
def clumped():
    """Three clumps of four bins each, holding 0.6, 0.3 and 0.1 of the probability."""
    offsets = np.array([[-3.0, -3], [-3, 3], [3, -3], [3, 3]])
    bins = (CLUMPS[:, None] + offsets).reshape(-1, 2)
    return np.repeat([0.15, 0.075, 0.025], 4), bins


def test_clumps_are_found_the_commonest_first(clumped):
    probability, bins = clumped
    colours, shares = likely_colours(probability, bins, 3, np.random.default_rng(0))
    np.testing.assert_allclose(colours, CLUMPS, atol=0.2)
    np.testing.assert_allclose(shares, [0.6, 0.3, 0.1], atol=0.015)


def test_the_same_generator_suggests_the_same(clumped):
    first, second = (likely_colours(*clumped, 5, np.random.default_rng(3))[0] for _ in range(2))
    assert np.array_equal(first, second)


def test_one_colour_said_many_times_is_one_suggestion():
    colours, shares = likely_colours(np.ones(50), np.tile([3.0, 4.0], (50, 1)), 5, np.random.default_rng(0))
    assert colours.tolist() == [[3, 4]]
    assert shares.tolist() == [1]


def test_a_certain_distribution_has_one_suggestion():
    bins = np.array([[0.0, 0], [10, 10], [20, 0]])
    colours, shares = likely_colours(np.array([0.0, 1, 0]), bins, 5, np.random.default_rng(0))
    assert colours.tolist() == [[10, 10]]
    assert shares.tolist() == [1]


def nearest(a: float, b: float) -> int:
    return int((BINS - torch.tensor([a, b])).square().sum(1).argmin())


def test_only_what_the_pixel_can_show_is_likely():
    logits = torch.randn(1, 529, 6, 5, generator=torch.Generator().manual_seed(6)) * 8
    found = distribution_at({"logits": logits, "bins": BINS}, (11, 7), (24, 20), MIDDLE)
    assert found is not None
    colours, shares = likely_colours(*found, 5, np.random.default_rng(0))
    assert colours.shape == (5, 2)
    assert (Delaunay(gamut_bins().numpy()).find_simplex(colours) >= 0).all()
    assert shares.tolist() == sorted(shares.tolist(), reverse=True)
    assert shares.sum() == pytest.approx(1)
    lab = np.concatenate([np.full((len(found[1]), 1), 60.0), found[1]], axis=1)
    missed = np.linalg.norm(rgb2lab(lab2rgb(lab)) - lab, axis=1)  # what scikit-image makes of them
    assert missed.max() <= DISPLAYABLE + 0.5


def test_the_likeliest_colour_of_the_pixel_comes_first_unless_it_is_none():
    logits = torch.zeros(1, 529, 4, 4)
    # softened by 0.2: e¹² times as likely as any other
    logits[0, nearest(40, 30), 1, 2], logits[0, nearest(-110, -110), 1, 2] = 60.0, 200.0
    prediction = {"logits": logits, "bins": BINS}
    found = distribution_at(prediction, (1 * 4 + 3, 2 * 4), (16, 16), MIDDLE)
    assert found is not None
    colours, shares = likely_colours(*found, 5, np.random.default_rng(0))
    assert colours[0].tolist() == pytest.approx([40, 30], abs=0.5)
    assert shares[0] > 0.99
    even = distribution_at(prediction, (0, 0), (16, 16), MIDDLE)
    assert even is not None
    five = torch.from_numpy(likely_colours(*even, 5, np.random.default_rng(0))[0])
    assert torch.cdist(five, five).fill_diagonal_(1e9).min() > 20  # five different colours


@pytest.mark.parametrize("lightness", [-1.0, 1.0])
def test_black_and_white_have_a_likely_colour_too(lightness):
    found = distribution_at({"logits": torch.zeros(1, 529, 1, 1), "bins": BINS}, (0, 0), (4, 4), lightness)
    assert found is not None
    assert [0, 0] in found[1].tolist()
    assert len(found[1]) < 100


def test_a_mixtures_components_are_its_colours():
    logits = torch.tensor([0.1, 2.0, 0.5]).reshape(1, 3, 1, 1).expand(1, 3, 2, 2)
    means = torch.tensor([[0.1, 0.0], [-0.1, 0.2], [0.0, -0.3]])
    prediction = {"mixture_logits": logits, "mixture_means": means.reshape(1, 3, 2, 1, 1).expand(1, 3, 2, 2, 2)}
    found = distribution_at(prediction, (3, 3), (4, 4), MIDDLE)
    assert found is not None
    np.testing.assert_allclose(found[0], torch.softmax(logits[0, :, 0, 0].double(), 0), rtol=1e-6)
    np.testing.assert_allclose(found[1], 110 * means, rtol=1e-5)


@pytest.mark.parametrize("name", ["zhang2016", "zhang2017", "unet_quantized", "unet_mixture"])
def test_the_models_with_a_distribution_say_it_in_these_words(name):
    model = build(name, width=4).eval()
    with torch.no_grad():
        prediction = model(torch.zeros(1, 4, 32, 48))
    found = distribution_at(prediction, (31, 47), (32, 48), MIDDLE)
    assert found is not None
    assert found[0].shape == found[1].shape[:1]


def test_one_answer_is_no_distribution():
    assert distribution_at({"ab": torch.zeros(1, 2, 4, 4)}, (0, 0), (4, 4), MIDDLE) is None


def test_a_displayed_colour_is_what_scikit_image_shows():
    colours = torch.tensor([[20.0, 10.0], [80.0, -70.0]])
    lab = np.concatenate([np.full((2, 1), 60.0), colours.numpy()], axis=1)
    np.testing.assert_allclose(displayed(colours, MIDDLE).flatten(1), lab2rgb(lab) * 255, atol=0.51)
