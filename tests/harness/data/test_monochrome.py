from __future__ import annotations

import numpy as np
import pytest

from zoo.harness.data.monochrome import MONOCHROME_BELOW, colorfulness


def test_it_is_the_papers_formula_in_float64(photos: list[np.ndarray]):
    for photo in photos:
        red, green, blue = photo.astype(np.float64).transpose(2, 0, 1)
        rg, yb = red - green, 0.5 * (red + green) - blue
        expected = np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())
        assert colorfulness(photo) == pytest.approx(expected, rel=1e-12)


def test_grey_scores_zero_a_slight_tint_stays_monochrome_and_photos_do_not(photos: list[np.ndarray]):
    grey = photos[0].mean(2, keepdims=True).astype(np.uint8).repeat(3, axis=2)
    assert colorfulness(grey) == 0
    tinted = np.clip(grey.astype(int) + np.array([4, 0, -4]), 0, 255).astype(np.uint8)
    assert 0 < colorfulness(tinted) < MONOCHROME_BELOW
    assert all(colorfulness(photo) > MONOCHROME_BELOW for photo in photos)
