"""Geodesic distances against all pairs of shortest paths, and the blend against the paper's formula."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.sparse.csgraph import floyd_warshall

from zoo.core.errors import BadInput
from zoo.parts.classical.geodesic import NOWHERE, nearest_labels, steps
from zoo.parts.classical.yatziv2006 import Yatziv2006


def all_pairs(lightness: np.ndarray, pixel: float) -> np.ndarray:
    """(H·W, H·W): the shortest ways between all pixels, from edges written out one by one (Floyd & Warshall)."""
    height, width = lightness.shape
    edges = np.full((height * width, height * width), np.inf)
    for y in range(height):
        for x in range(width):
            for ny in range(max(y - 1, 0), min(y + 2, height)):
                for nx in range(max(x - 1, 0), min(x + 2, width)):
                    way = pixel * np.hypot(y - ny, x - nx)
                    edges[y * width + x, ny * width + nx] = abs(lightness[y, x] - lightness[ny, nx]) + way
    return floyd_warshall(edges)


@pytest.mark.parametrize("shape", [(8, 7), (1, 12), (11, 5)])
@pytest.mark.parametrize("labels", [1, 3, 9])
def test_the_nearest_labels_are_those_of_all_shortest_paths(shape: tuple[int, int], labels: int) -> None:
    """Several pixels may have one label, which counts once; there are fewer labels than asked for, or more."""
    rng = np.random.default_rng(labels)
    for _ in range(5):
        lightness = rng.random(shape)
        label = np.full(shape, NOWHERE)
        places = rng.choice(label.size, min(labels + 2, label.size), replace=False)
        label.flat[places] = np.arange(len(places)) % labels
        ways = all_pairs(lightness, 0.03)
        to_label = np.stack([ways[:, label.ravel() == each].min(1) for each in range(labels)])
        order = np.argsort(to_label, axis=0)[:4]
        found, distance = nearest_labels(steps(lightness, pixel=0.03), label, 4)
        np.testing.assert_array_equal(found[: len(order)].reshape(len(order), -1), order)
        np.testing.assert_allclose(
            distance[: len(order)].reshape(len(order), -1), np.take_along_axis(to_label, order, 0), atol=1e-12
        )
        assert (found[len(order) :] == NOWHERE).all()
        assert np.isinf(distance[len(order) :]).all()


def test_the_way_goes_around_an_edge() -> None:
    """A wall of another lightness with a gap: through the gap it costs pixels only."""
    lightness = np.zeros((5, 7))
    lightness[:4, 3] = 1
    label = np.full(lightness.shape, NOWHERE)
    label[0, 0] = 0
    _, distance = nearest_labels(steps(lightness, pixel=0.001), label, 1)
    assert distance[0, 0, 2] == pytest.approx(0.002)
    assert distance[0, 0, 3] == pytest.approx(1 + 0.003)
    assert distance[0, 0, 6] < 0.02


def test_colours_are_blended_by_the_papers_weights() -> None:
    """A row, every chrominance blended: Σ c d_c^−b / Σ d_c^−b, one colour given twice counting once."""
    rng = np.random.default_rng(1)
    lightness = rng.random((1, 12))
    known = np.zeros((1, 12), bool)
    known[0, [0, 5, 7, 11]] = True
    colours = np.zeros((1, 12, 2))
    colours[0, [0, 5, 7, 11]] = [[0.5, 0.1], [-0.3, 0.4], [0.5, 0.1], [0.0, -0.6]]
    found = Yatziv2006(exponent=3, colours=4, pixel=0.02).blend(lightness, colours, known)
    along = np.concatenate(([0], np.cumsum(np.abs(np.diff(lightness[0])) + 0.02)))
    ways = np.abs(along[:, None] - along)
    for pixel in np.flatnonzero(~known[0]):
        distances = np.array([min(ways[pixel, 0], ways[pixel, 7]), ways[pixel, 5], ways[pixel, 11]])
        weights = distances**-3.0
        expected = weights @ np.array([[0.5, 0.1], [-0.3, 0.4], [0.0, -0.6]]) / weights.sum()
        np.testing.assert_allclose(found[0, pixel], expected, atol=1e-12)


def test_two_regions_keep_their_colours() -> None:
    lightness = np.zeros((8, 10))
    lightness[:, 6:] = 0.5
    known = np.zeros((8, 10), bool)
    known[3, 0] = known[3, 6] = True
    colours = np.zeros((8, 10, 2))
    colours[3, 0], colours[3, 6] = (0.4, 0.0), (0.0, 0.4)
    found = Yatziv2006(pixel=0.002).blend(lightness, colours, known)
    # nearer to the right hint in pixels, and not in lightness
    np.testing.assert_allclose(found[:, 5], np.broadcast_to([0.4, 0.0], (8, 2)), atol=1e-3)
    np.testing.assert_allclose(found[:, 6:], np.broadcast_to([0.0, 0.4], (8, 4, 2)), atol=1e-3)


def test_real_photos_are_coloured_better_than_by_nearness_alone(hinted: Callable) -> None:
    from zoo.parts.propagators.nearest import NearestPropagator

    photos = hinted(2, 0.01)
    found = photos.psnr(Yatziv2006()(photos.condition))
    assert found > photos.psnr(NearestPropagator()(photos.condition)[0]) + 1


def test_options_that_blend_nothing_are_refused() -> None:
    with pytest.raises(BadInput, match="exponent=7"):
        Yatziv2006(exponent=7)
    with pytest.raises(BadInput, match="colours=0"):
        Yatziv2006(colours=0)
    with pytest.raises(BadInput, match="pixel=0"):
        Yatziv2006(pixel=0)
