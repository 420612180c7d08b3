"""A toned print is read as the grey photo it was."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.color import rgb2gray, rgb2lab

from zoo.studio.colorize import colorize
from zoo.studio.sepia import untoned


@pytest.fixture
def grey(photos) -> np.ndarray:
    """(256, 256) from black to white."""
    levels = rgb2gray(photos[5])
    return (levels - levels.min()) / np.ptp(levels)


def toned(grey: np.ndarray, ink: tuple[int, ...], paper: tuple[int, ...]) -> np.ndarray:
    return np.round(np.array(ink) + (np.array(paper) - np.array(ink)) * grey[..., None]).astype(np.uint8)


SEPIA = ((60, 40, 25), (240, 225, 190))


@pytest.mark.parametrize(("ink", "paper"), [SEPIA, ((20, 50, 120), (235, 240, 245))])
def test_a_print_becomes_the_grey_that_it_shows(grey, ink, paper):
    made = untoned(toned(grey, ink, paper))
    assert (made[..., 0] == made[..., 1]).all()
    assert np.abs(made[..., 0] / 255.0 - grey).mean() < 0.025  # dust and sparks beyond the ends count as ends


def test_a_stain_is_seen_less_than_in_lightness(grey):
    """Brown: it takes 35 % of the blue, 12 % of the green and 3 % of the red."""
    print_ = toned(grey, *SEPIA)
    stained = print_.copy()
    stained[60:140, 80:180] = (stained[60:140, 80:180] * [0.97, 0.88, 0.65]).astype(np.uint8)
    spot = np.s_[60:140, 80:180]
    seen = np.abs(rgb2lab(untoned(stained)) - rgb2lab(untoned(print_)))[spot][..., 0].mean()
    plain = np.abs(rgb2lab(stained) - rgb2lab(print_))[spot][..., 0].mean()
    assert seen < plain / 2


def test_where_red_is_burnt_out_a_channel_is_taken_that_is_not(grey):
    """The sepia of cameras and programs: red is 1.351 times the grey, clipped."""
    print_ = np.clip(grey[..., None] * [1.351, 1.203, 0.937], 0, 1)
    made = untoned((print_ * 255).round().astype(np.uint8))[..., 0] / 255
    bright = grey > 0.8
    assert np.corrcoef(made[bright], grey[bright])[0, 1] > 0.99


def test_one_even_colour_is_only_grey():
    assert (untoned(np.full((9, 9, 3), (90, 60, 30), np.uint8)) == 90).all()


def test_the_result_has_nothing_of_the_tone(grey):
    made = colorize("gray", toned(grey, *SEPIA), from_sepia=True)
    assert np.ptp(made.astype(int), axis=2).max() <= 1
    assert made.min() < 5
    assert made.max() > 250
