from __future__ import annotations

import math

import pytest

from zoo.harness.metrics.exact import mean_of_all


def test_the_mean_of_all_values():
    assert mean_of_all("psnr", [20.0, 30.0, 25.0]) == (25.0, "")


@pytest.mark.parametrize("missing", [math.nan, None, math.inf, -math.inf])
def test_one_missing_value_leaves_no_mean_and_is_said(missing):
    assert mean_of_all("ssim", [0.5, missing, 0.7]) == (None, "ssim: no mean, 1 of 3 photos has no value")
    assert mean_of_all("ssim", [missing, missing]) == (None, "ssim: no mean, 2 of 2 photos have no value")


def test_no_photo_is_no_mean():
    assert mean_of_all("psnr", []) == (None, "psnr: no mean, there is no photo")
