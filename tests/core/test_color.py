"""Lab against scikit-image, over the whole sRGB cube and beyond its border."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import color as oracle

from zoo.core.color import AB_SCALE, join_lab, lab_to_rgb, rgb_to_lab, split_lab, to_uint8


def as_image(colours: np.ndarray) -> torch.Tensor:
    """(n, 3) colours as an image (1, 3, n, 1)."""
    return torch.from_numpy(colours.T[None, :, :, None].copy()).float()


def as_colours(image: torch.Tensor) -> np.ndarray:
    return image[0, :, :, 0].T.numpy()


@pytest.fixture(scope="module")
def cube() -> np.ndarray:
    axis = np.linspace(0, 1, 33)
    return np.stack(np.meshgrid(axis, axis, axis), -1).reshape(-1, 3)


def test_rgb_to_lab_equals_scikit_image(cube):
    assert np.abs(as_colours(rgb_to_lab(as_image(cube))) - oracle.rgb2lab(cube[None])[0]).max() < 1e-4


def test_lab_to_rgb_equals_scikit_image(cube):
    lab = oracle.rgb2lab(cube[None])[0]
    assert np.abs(as_colours(lab_to_rgb(as_image(lab))) - oracle.lab2rgb(lab[None])[0]).max() < 1e-4


@pytest.mark.filterwarnings("ignore:Conversion from CIE-LAB")
def test_colours_outside_the_gamut_are_clipped_as_scikit_image_clips_them():
    lab = np.random.default_rng(0).uniform([0, -110, -110], [100, 110, 110], (5000, 3))
    assert np.abs(as_colours(lab_to_rgb(as_image(lab))) - oracle.lab2rgb(lab[None])[0]).max() < 1e-4


def test_bytes_and_floats_give_the_same_lab(photos):
    photo = torch.from_numpy(photos[0]).permute(2, 0, 1)[None]
    assert torch.allclose(rgb_to_lab(photo), rgb_to_lab(photo / 255), atol=1e-4)


def test_a_photo_survives_the_way_to_lab_and_back(photos):
    for array in photos:
        photo = torch.from_numpy(array).permute(2, 0, 1)[None]
        lightness, ab = split_lab(photo)
        assert lightness.min() >= -1
        assert lightness.max() <= 1
        assert ab.abs().max() <= 128 / AB_SCALE
        assert torch.equal(to_uint8(join_lab(lightness, ab)), photo)


def test_half_precision_never_enters(photos):
    photo = torch.from_numpy(photos[0]).permute(2, 0, 1)[None] / 255
    expected = rgb_to_lab(photo)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(rgb_to_lab(photo), expected)
        assert rgb_to_lab(photo.bfloat16()).dtype == torch.float32


def test_gradients_are_finite_at_the_borders_of_the_gamut():
    lab = torch.tensor([[0.0, 0, 0], [100, 0, 0], [50, 200, -200], [1e-6, 90, -90]]).T[None, :, :, None]
    lab = lab.requires_grad_()
    lab_to_rgb(lab).sum().backward()
    assert torch.isfinite(lab.grad).all()


def test_rounding_not_truncating():
    assert to_uint8(torch.tensor([0.5 / 255 + 1e-6, 2.0, -1.0])).tolist() == [1, 255, 0]


def test_what_is_cached_under_inference_mode_still_trains():
    from zoo.core import color

    color._byte_to_linear.cache_clear()
    photo = torch.randint(0, 256, (1, 3, 4, 4), dtype=torch.uint8)
    with torch.inference_mode():
        rgb_to_lab(photo)
    scale = torch.ones(1, requires_grad=True)
    (rgb_to_lab(photo) * scale).sum().backward()
    assert scale.grad is not None
