"""Edges keep colour in: less bleeding than Levin over a soft step, no worse on photos."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.feature import canny

from zoo.core.errors import BadInput
from zoo.parts.classical.huang2005 import Huang2005, adaptive_edges, over_edges
from zoo.parts.classical.levin2004 import Levin2004


def test_less_colour_bleeds_over_a_soft_step() -> None:
    step = np.zeros((40, 60))
    step[:, 30:] = 0.4
    condition = torch.zeros(1, 4, 40, 60)
    condition[0, 0] = torch.from_numpy(gaussian_filter(step, 1.5)).float() - 0.2
    for column, colour in ((8, 0.5), (57, -0.5)):  # the step is not halfway between the hints
        condition[0, 1:3, 20, column] = colour
        condition[0, 3, 20, column] = 1
    truth = torch.where(torch.arange(60) < 30, 0.5, -0.5)
    away = torch.cat((torch.arange(27), torch.arange(33, 60)))
    levin, huang = (model(condition) - truth for model in (Levin2004(), Huang2005()))
    assert huang[..., away].abs().mean() < 0.7 * levin[..., away].abs().mean()


@pytest.mark.parametrize("density", [0.02, 0.005])
def test_photos_are_coloured_no_worse_than_by_levin(hinted: Callable, density: float) -> None:
    photos = hinted(4, density)
    assert photos.psnr(Huang2005()(photos.condition)) > photos.psnr(Levin2004()(photos.condition))


def test_without_a_leak_to_cut_it_is_levin(hinted: Callable) -> None:
    condition = hinted(8, 0.02).condition
    torch.testing.assert_close(Huang2005(leak=1.0)(condition), Levin2004()(condition), atol=1e-6, rtol=0)


def test_most_edges_are_cannys_too(photos: list[np.ndarray]) -> None:
    lightness = photos[3].mean(2) / 255
    found = adaptive_edges(lightness, window=15, strictness=1.0)
    theirs = canny(lightness, sigma=0.7, low_threshold=0.02, high_threshold=0.05)
    near = np.zeros_like(theirs)
    for y in (-1, 0, 1):
        for x in (-1, 0, 1):
            near |= np.roll(theirs, (y, x), (0, 1))
    assert 0.02 < found.mean() < 0.3
    assert near[found].mean() > 0.9


def test_the_threshold_adapts_to_the_surroundings() -> None:
    photo = np.zeros((30, 80))
    photo[:, 20:] += 0.1  # alone in smooth surroundings
    photo[:, 60:] += 0.1  # the same step, six pixels from a strong one
    photo[:, 66:] += 0.6
    edges = adaptive_edges(photo, window=15, strictness=1.0)
    assert edges[:, 18:22].any(1).all()
    assert not edges[:, 58:62].any()
    assert edges[:, 64:68].any(1).all()


def test_noise_has_no_edges() -> None:
    noise = 0.5 + 0.005 * np.random.default_rng(0).standard_normal((60, 60))
    assert not adaptive_edges(noise, window=15, strictness=1.0).any()


def test_a_line_of_edge_pixels_has_no_gap_on_the_diagonal() -> None:
    edges = np.eye(6, dtype=bool)
    over = over_edges(edges, np.zeros_like(edges))
    upper_right = over[5]  # the neighbour (1, -1) of a pixel above the line
    assert all(upper_right[k, k + 1] for k in range(5))
    assert not over[:, edges].any()


@pytest.mark.parametrize("options", [{"leak": 0.0}, {"leak": 2.0}, {"window": 0}])
def test_an_option_that_cannot_be_is_refused(options: dict) -> None:
    with pytest.raises(BadInput, match="huang2005"):
        Huang2005(**options)
