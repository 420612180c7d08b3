"""Where a picture moved is known to a fraction of a pixel; what is not found again is not claimed to be."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from zoo.core.motion import motion


def grey(rgb: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(rgb).convert("L"))


@pytest.mark.parametrize("step", [(0, 0), (3, -2), (0.5, 1.25)])
def test_a_shifted_photo_is_found_where_it_went(photos, step):
    photo = grey(photos[1])
    moved = np.clip(ndimage.shift(photo.astype(float), step, order=3, mode="nearest"), 0, 255).astype(np.uint8)
    found = motion(photo, moved).later
    rows, columns = np.mgrid[16:240, 16:240]
    there = found.places[16:240, 16:240]
    assert found.trust[16:240, 16:240].mean() > 0.9
    assert np.median(np.abs(there[..., 1] + step[0] - rows)) < 0.2
    assert np.median(np.abs(there[..., 0] + step[1] - columns)) < 0.2


def test_both_ways_are_each_others_reverse(films, photos):
    first, second = films.pan(grey(photos[0]), 2, step=4, size=(128, 128))
    both = motion(first, second)
    assert np.median(both.later.places[..., 0] + both.earlier.places[..., 0] - 2 * np.arange(128)) == pytest.approx(
        0, abs=0.1
    )


def test_what_was_looked_at_before_changes_nothing(films, photos):
    """OpenCV's DIS keeps the scales that it chose for small frames."""
    window, small = films.pan(grey(photos[0]), 2), films.pan(grey(photos[0]), 2, size=(40, 44))
    first = [motion(*pair).later.places for pair in (window, small)]
    again = [motion(*pair).later.places for pair in (window, small)]
    np.testing.assert_array_equal(again[0], first[0])
    np.testing.assert_array_equal(again[1], first[1])


def test_a_thing_that_appears_is_not_found(photos):
    before = grey(photos[0])
    after = before.copy()
    after[60:120, 60:120] = grey(photos[2])[60:120, 60:120]
    found = motion(before, after).later
    assert found.trust[150:].mean() > 0.95
    assert found.trust[65:115, 65:115].mean() < 0.35


@pytest.mark.slow
def test_two_photos_are_two_shots_and_a_moving_window_is_one(films, photos):
    window = films.pan(grey(photos[0]), 4, step=10, size=(96, 128))
    assert not any(motion(*pair).later.is_cut for pair in itertools.pairwise(window))
    for one, other in itertools.pairwise(photos):
        assert motion(grey(one), grey(other)).later.is_cut


@pytest.mark.slow
def test_a_real_film_of_one_shot_has_no_cut(films):
    frames = [grey(frame) for frame in films.read_film(films.BUNNY)[:8]]
    found = [motion(*pair).later for pair in itertools.pairwise(frames)]
    assert not any(each.is_cut for each in found)
    assert min(each.trust.mean() for each in found) > 0.7


@pytest.mark.parametrize("size", [(1, 1), (5, 300), (40, 33)])
def test_a_frame_of_any_size_is_found_in_itself(size):
    frame = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    found = motion(frame, frame).later
    assert found.trust.all()
    assert np.abs(found.taken_from(frame.astype(np.float32)) - frame).max() < 1
