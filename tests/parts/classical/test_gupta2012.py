"""Superpixels matched, agreed upon and spread; each step on what it is for."""

from collections.abc import Callable

import numpy as np
import pytest
import scipy.sparse as sparse
import torch
from skimage.filters import gabor as skimage_gabor
from skimage.segmentation import slic as skimage_slic

from zoo.core.errors import BadInput
from zoo.parts.classical.gupta2012 import Gupta2012, cascade, match, segments, vote
from zoo.parts.classical.superpixels import DIRECTIONS, WAVELENGTHS, describe, gabor_energy, slic


def _within(lightness: np.ndarray, labels: np.ndarray) -> float:
    """The mean squared difference of pixels to their superpixel's mean."""
    flat = labels.ravel()
    mean = np.bincount(flat, lightness.ravel()) / np.bincount(flat)
    return float(((lightness.ravel() - mean[flat]) ** 2).mean())


def test_superpixels_follow_the_photo_as_closely_as_scikit_images(photos: list[np.ndarray]) -> None:
    lightness = photos[0][::2, ::2].mean(2) / 255
    labels = slic(lightness, area=40)
    theirs = skimage_slic(lightness, n_segments=128 * 128 // 40, compactness=0.1, channel_axis=None, start_label=0)
    tiles = np.add.outer(np.arange(128) // 6 * 22, np.arange(128) // 6)
    assert np.array_equal(np.unique(labels), np.arange(labels.max() + 1))
    assert abs(labels.max() + 1 - 410) < 60
    assert _within(lightness, labels) < 0.5 * _within(lightness, np.unique(tiles, return_inverse=True)[1])
    assert _within(lightness, labels) < 1.2 * _within(lightness, theirs)


def test_gabor_energy_is_strongest_at_the_waves_own_length_and_direction() -> None:
    y, x = np.mgrid[:64, :64]
    for number in (2, 11, 20, 37):
        turn = np.pi * (number % DIRECTIONS) / DIRECTIONS
        wave = np.sin(2 * np.pi * (x * np.cos(turn) + y * np.sin(turn)) / WAVELENGTHS[number // DIRECTIONS])
        energy = gabor_energy(wave)[:, 20:44, 20:44].mean((1, 2))
        assert energy.argmax() == number
        assert energy[number] == pytest.approx(0.5, abs=0.08)  # half of a real wave's amplitude is in each sideband


def test_gabor_energy_follows_scikit_images_filter(photos: list[np.ndarray]) -> None:
    lightness = photos[1][::4, ::4].mean(2) / 255
    frequency = 1 / WAVELENGTHS[2]
    sigma = 1 / (2 * np.pi * 0.5 * frequency)  # a transfer function of deviation f / 2
    for direction in (0, 3):
        real, imaginary = skimage_gabor(
            lightness - lightness.mean(), frequency, np.pi * direction / 8, sigma_x=sigma, sigma_y=sigma, mode="reflect"
        )
        found = gabor_energy(lightness)[2 * DIRECTIONS + direction]
        assert np.corrcoef(np.hypot(real, imaginary).ravel(), found.ravel())[0, 1] > 0.99


def test_a_photo_matched_to_itself_finds_its_own_superpixels(photos: list[np.ndarray]) -> None:
    described = describe(photos[2][::4, ::4].mean(2) / 255, area=40)
    assert np.array_equal(match(described, described), np.arange(len(described.gabor)))


def test_the_cascade_keeps_half_of_the_candidates_at_each_step() -> None:
    wanted, known = np.zeros((1, 1)), np.arange(8.0)[:, None]
    assert cascade([(wanted, known)])[0] == 0
    # The first step leaves 0…3, whichever of the others the second would like better.
    assert cascade([(wanted, known), (wanted, -known)])[0] == 0
    assert cascade([(wanted, known), (wanted, known - 7)])[0] == 3
    assert cascade([(wanted, known), (wanted, known - 3), (wanted, known)])[0] == 2


def test_segments_are_touching_superpixels_of_like_lightness() -> None:
    chain = sparse.csr_array(np.diag(np.ones(4), 1) + np.diag(np.ones(4), -1))
    found = segments(np.array([0.1, 0.12, 0.9, 0.1, 0.12]), chain, likeness=0.05)
    assert found[0] == found[1]
    assert found[3] == found[4]
    assert len({found[0], found[2], found[3]}) == 3


def test_the_larger_kind_of_colour_in_a_segment_wins() -> None:
    colours = np.array([[0.5, 0.5], [0.52, 0.5], [-0.5, 0.1], [0.48, 0.5], [-0.9, -0.9]])
    found = vote(colours, np.array([0, 0, 0, 0, 1]))
    np.testing.assert_allclose(found[2], [0.5, 0.5])
    assert np.array_equal(np.delete(found, 2, 0), np.delete(colours, 2, 0))


def test_the_middle_of_a_superpixel_belongs_to_it(photos: list[np.ndarray]) -> None:
    described = describe(photos[3][::4, ::4].mean(2) / 255, area=40)
    assert np.array_equal(described.labels.ravel()[described.middles()], np.arange(described.labels.max() + 1))


@pytest.mark.slow
def test_a_photo_with_itself_as_the_reference_is_coloured_far_better_than_grey(hinted: Callable) -> None:
    photos = hinted(4, 0.0)
    found = Gupta2012()(photos.condition, {"reference": photos.rgb})
    assert found.shape == photos.ab.shape
    assert photos.psnr(found) > photos.psnr(torch.zeros_like(found)) + 6


@pytest.mark.slow
def test_hints_are_ignored_unless_they_are_asked_for(hinted: Callable) -> None:
    none, some = hinted(8, 0.0), hinted(8, 0.05)
    extras = {"reference": none.rgb.roll(1, 0)}
    assert torch.equal(Gupta2012()(none.condition, extras), Gupta2012()(some.condition, extras))
    asked = Gupta2012(hints=True)(some.condition, extras)
    mask = some.condition[:, 3:]
    torch.testing.assert_close(asked * mask, some.condition[:, 1:3], atol=0, rtol=0)


def test_an_area_that_cannot_be_is_refused() -> None:
    with pytest.raises(BadInput, match="gupta2012"):
        Gupta2012(area=0)
