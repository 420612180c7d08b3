import numpy as np
import pytest
import torch

from zoo.harness.metrics.colorfulness import ColorfulnessGap, colorfulness


def tensor(image):
    return torch.tensor(image).permute(2, 0, 1)[None]


def hasler(image):
    """Eq. (1) of the paper's M(3), in float64 over the cloud of pixels."""
    r, g, b = image.astype(np.float64).reshape(-1, 3).T
    rg, yb = r - g, 0.5 * (r + g) - b
    return np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())


def test_equals_the_formula_on_real_photos(photos):
    measured = colorfulness(torch.cat([tensor(photo) for photo in photos]))
    np.testing.assert_allclose(measured, [hasler(photo) for photo in photos], atol=1e-3)


def test_the_axes_keep_their_sign():
    """Half red, half green: rg is ±255, so its spread is 255; the abs() form would say 0."""
    image = np.zeros((2, 2, 3), np.uint8)
    image[0, :, 0], image[1, :, 1] = 255, 255
    assert colorfulness(tensor(image)).item() == pytest.approx(255 + 0.3 * 127.5)


def test_the_gap_does_not_cancel_between_images(photos):
    photo, dull = tensor(photos[0]), tensor(photos[0] // 2)
    there = ColorfulnessGap().per_image(dull, photo)
    back = ColorfulnessGap().per_image(photo, dull)
    assert there.item() == back.item() > 0
    assert ColorfulnessGap().per_image(photo, photo).item() == 0


def test_grey_is_not_colourful():
    assert colorfulness(torch.full((1, 3, 8, 8), 90, dtype=torch.uint8)).item() == 0
