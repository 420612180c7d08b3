"""Levin's weights, and the linear system: residual, a dense solve, known pixels, regions without a hint, its order."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import scipy.sparse as sparse
import torch
from scipy.sparse.linalg import splu

from zoo.parts.layers.affinity import NEIGHBOURS
from zoo.parts.layers.propagation import affinity, nested_dissection, propagate, weight_matrix


def _dense(weights: np.ndarray, colours: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The same system written out pixel by pixel, solved by LAPACK."""
    height, width = known.shape
    system, wanted = np.eye(height * width), np.zeros((height * width, colours.shape[-1]))
    for y in range(height):
        for x in range(width):
            row = y * width + x
            if known[y, x]:
                wanted[row] = colours[y, x]
                continue
            for number, (i, j) in enumerate(NEIGHBOURS):
                if 0 <= y + i < height and 0 <= x + j < width:
                    system[row, (y + i) * width + x + j] -= weights[number, y, x]
    return np.linalg.solve(system, wanted).reshape(colours.shape)


def test_it_equals_a_dense_solve() -> None:
    draw = np.random.default_rng(0)
    lightness, colours, known = draw.random((11, 14)), draw.normal(size=(11, 14, 2)), draw.random((11, 14)) < 0.1
    found = propagate(affinity(lightness), colours, known)
    np.testing.assert_allclose(found, _dense(affinity(lightness), colours, known), atol=1e-10)


def test_the_residual_on_photos_with_two_percent_of_hints_is_below_1e_6(hinted: Callable) -> None:
    for photo in hinted(1, 0.02).condition[:2].double().numpy():
        weights, known = affinity((photo[0] + 1) / 2), photo[3] > 0
        solved = propagate(weights, np.moveaxis(photo[1:3], 0, -1), known).astype(np.float32)
        around = np.zeros(solved.shape)
        padded = np.pad(solved, ((1, 1), (1, 1), (0, 0)))
        for number, (y, x) in enumerate(NEIGHBOURS):
            around += weights[number, :, :, None] * padded[1 + y : 257 + y, 1 + x : 257 + x]
        residual = np.abs(solved - around)[~known]
        assert residual.max() < 1e-6


def test_known_pixels_keep_their_colour_to_the_bit() -> None:
    draw = np.random.default_rng(4)
    colours, known = draw.normal(size=(30, 20, 2)), draw.random((30, 20)) < 0.05
    found = propagate(affinity(draw.random((30, 20))), colours, known)
    assert np.array_equal(found[known], colours[known])


def test_a_region_without_hints_is_coloured_through_its_border() -> None:
    lightness = np.zeros((24, 24))
    lightness[6:18, 6:18] = 1.0
    known = np.zeros((24, 24), bool)
    known[0, 0] = True
    found = propagate(affinity(lightness), np.full((24, 24, 2), 0.4), known)
    np.testing.assert_allclose(found, 0.4, atol=1e-6)


def test_nothing_known_is_nothing_spread() -> None:
    found = propagate(affinity(np.random.default_rng(5).random((9, 9))), np.ones((9, 9, 2)), np.zeros((9, 9), bool))
    assert not found.any()


def test_no_colour_leaves_the_range_of_the_hints() -> None:
    draw = torch.Generator().manual_seed(6)
    lightness = torch.rand(40, 40, generator=draw).double().numpy()
    colours = torch.rand(40, 40, 2, generator=draw).double().numpy()
    known = (torch.rand(40, 40, generator=draw) < 0.03).numpy()
    found = propagate(affinity(lightness), colours, known)
    assert found.min() >= colours[known].min() - 1e-9
    assert found.max() <= colours[known].max() + 1e-9


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (7, 3), (65, 97)])
def test_every_pixel_stands_in_the_order_once(size: tuple[int, int]) -> None:
    order = nested_dissection(*size)
    assert np.array_equal(np.sort(order), np.arange(size[0] * size[1]))


def test_the_factors_have_fewer_entries_than_in_superlus_own_orders(photos: list[np.ndarray]) -> None:
    weights = affinity(photos[0][::2, ::2].mean(2) / 255)
    system = (1.01 * sparse.eye_array(128 * 128) - weight_matrix(weights)).tocsc()
    order = nested_dissection(128, 128)
    symmetric = {"diag_pivot_thresh": 0.0, "options": {"SymmetricMode": True}}
    dissected = splu(system[order][:, order].tocsc(), permc_spec="NATURAL", **symmetric)
    assert dissected.nnz < splu(system, permc_spec="MMD_AT_PLUS_A", **symmetric).nnz
    assert dissected.nnz < 0.6 * splu(system).nnz


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
