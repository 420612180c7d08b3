"""Levin's weights against the formula, pixel by pixel."""

import math

import numpy as np
import pytest

from zoo.parts.classical.affinity import NEIGHBOURS, affinity


@pytest.mark.parametrize("size", [(2, 1), (3, 3), (20, 31)])
def test_the_weights_of_a_pixel_sum_to_one(size: tuple[int, int]) -> None:
    weights = affinity(np.random.default_rng(0).random(size))
    assert weights.shape == (8, *size)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(0), 1, atol=1e-12)


def test_a_photo_of_one_pixel_has_no_neighbour() -> None:
    assert not affinity(np.full((1, 1), 0.5)).any()


def test_nothing_is_taken_from_outside_the_photo() -> None:
    weights = affinity(np.random.default_rng(1).random((5, 6)))
    for number, (y, x) in enumerate(NEIGHBOURS):
        rows = {-1: 0, 1: -1}.get(y)
        columns = {-1: 0, 1: -1}.get(x)
        if rows is not None:
            assert not weights[number, rows].any()
        if columns is not None:
            assert not weights[number, :, columns].any()


def test_the_weights_are_the_papers_formula_with_the_authors_constants() -> None:
    lightness = np.random.default_rng(2).random((4, 5))
    lightness[:2, :2] = 0.3  # flat: the floor of the variance decides
    found = affinity(lightness)
    for y in range(4):
        for x in range(5):
            window = lightness[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
            inside = [k for k, (i, j) in enumerate(NEIGHBOURS) if 0 <= y + i < 4 and 0 <= x + j < 5]
            gaps = [(lightness[y + NEIGHBOURS[k][0], x + NEIGHBOURS[k][1]] - lightness[y, x]) ** 2 for k in inside]
            spread = max(0.6 * window.var(), min(gaps) / math.log(100), 2e-6)
            weights = np.exp(-np.array(gaps) / spread)
            np.testing.assert_allclose(found[inside, y, x], weights / weights.sum(), rtol=1e-9)
