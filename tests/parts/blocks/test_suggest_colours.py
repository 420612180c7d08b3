"""Colours suggested from a distribution."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.parts.blocks.suggest_colours import suggest_colours

CLUMPS = np.array([[-60.0, 0], [60, 0], [0, 60]])


@pytest.fixture
def clumped():
    """Three clumps of four bins each, holding 0.6, 0.3 and 0.1 of the probability."""
    offsets = np.array([[-3.0, -3], [-3, 3], [3, -3], [3, 3]])
    bins = (CLUMPS[:, None] + offsets).reshape(-1, 2)
    return np.repeat([0.15, 0.075, 0.025], 4), bins


def test_clumps_are_found_the_commonest_first(clumped):
    probability, bins = clumped
    colours, shares = suggest_colours(probability, bins, 3, np.random.default_rng(0))
    np.testing.assert_allclose(colours, CLUMPS, atol=0.2)
    np.testing.assert_allclose(shares, [0.6, 0.3, 0.1], atol=0.015)


def test_the_same_generator_suggests_the_same(clumped):
    first, second = (suggest_colours(*clumped, 5, np.random.default_rng(3))[0] for _ in range(2))
    assert np.array_equal(first, second)


def test_a_certain_distribution_has_one_suggestion():
    bins = np.array([[0.0, 0], [10, 10], [20, 0]])
    colours, shares = suggest_colours(np.array([0.0, 1, 0]), bins, 5, np.random.default_rng(0))
    assert colours.tolist() == [[10, 10]]
    assert shares.tolist() == [1]
