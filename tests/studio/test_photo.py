"""A hint picture: which of its pixels are hints, and in which colour."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from skimage.color import rgb2lab

from zoo.core.errors import BadInput
from zoo.studio.photo import read_hints


def test_opaque_pixels_of_a_transparent_picture_are_hints(tmp_path):
    rgba = np.zeros((6, 8, 4), np.uint8)
    rgba[2, 3] = (200, 40, 60, 255)
    rgba[4, 5] = (128, 128, 128, 255)  # grey is a hint too when it is painted
    rgba[0, 0] = (200, 40, 60, 100)
    Image.fromarray(rgba).save(tmp_path / "hints.png")
    ab, mask = read_hints(tmp_path / "hints.png", (6, 8))
    assert list(zip(*np.nonzero(mask), strict=True)) == [(2, 3), (4, 5)]
    np.testing.assert_allclose(ab[mask], rgb2lab(rgba[..., :3])[mask][:, 1:], atol=1e-3)


def test_coloured_pixels_of_an_opaque_picture_are_hints(tmp_path):
    rgb = np.full((6, 8, 3), 90, np.uint8)
    rgb[1, 2] = (90, 150, 90)
    rgb[3, 3] = (90, 110, 90)  # within what a camera's or a JPEG's grey strays
    Image.fromarray(rgb).save(tmp_path / "hints.png")
    _, mask = read_hints(tmp_path / "hints.png", (6, 8))
    assert list(zip(*np.nonzero(mask), strict=True)) == [(1, 2)]


def test_a_picture_of_another_size_or_without_hints_is_refused(tmp_path):
    Image.new("RGB", (8, 6), (90, 90, 90)).save(tmp_path / "grey.png")
    with pytest.raises(BadInput, match="photo's size"):
        read_hints(tmp_path / "grey.png", (8, 6))
    with pytest.raises(BadInput, match="holds no hint"):
        read_hints(tmp_path / "grey.png", (6, 8))
