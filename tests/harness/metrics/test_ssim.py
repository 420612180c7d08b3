from itertools import pairwise

import pytest
import torch
from skimage.metrics import structural_similarity

from zoo.harness.metrics.ssim import SSIM


def tensor(image):
    return torch.tensor(image).permute(2, 0, 1)[None]


def reference(image, other):
    return structural_similarity(
        image / 255.0,
        other / 255.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        channel_axis=2,
        data_range=1.0,
    )


def test_equals_scikit_image_on_real_photos(photos):
    for photo, other in pairwise(photos):
        dull = (photo * 0.6 + 0.4 * photo.mean(axis=2, keepdims=True)).round().astype("uint8")
        for prediction in (other, dull):
            score = SSIM().per_image(tensor(prediction), tensor(photo)).item()
            assert score == pytest.approx(reference(photo, prediction), abs=1e-4)


@pytest.mark.parametrize(("height", "width"), [(11, 11), (11, 40), (65, 97)])
def test_equals_scikit_image_at_odd_sizes(photos, height, width):
    photo, other = photos[0][:height, :width], photos[1][:height, :width]
    assert SSIM().per_image(tensor(other), tensor(photo)).item() == pytest.approx(reference(photo, other), abs=1e-4)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (10, 64), (64, 10)])
def test_an_image_smaller_than_the_window_is_not_measured(height, width):
    small = torch.zeros(2, 3, height, width, dtype=torch.uint8)
    assert SSIM().per_image(small, small).isnan().tolist() == [True, True]


def test_scores_do_not_change_under_autocast(photos):
    pair = tensor(photos[0]), tensor(photos[1])
    plain = SSIM().per_image(*pair)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(SSIM().per_image(*pair), plain)
