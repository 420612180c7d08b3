import pytest
import torch
from skimage.color import deltaE_ciede2000, rgb2lab

from zoo.harness.scoring.scores import hint_error


def batch(*images):
    return torch.stack([torch.tensor(image).permute(2, 0, 1) for image in images])


def test_only_hinted_pixels_count(photos):
    photo, other = photos[:2]
    mask = torch.zeros(1, 1, 256, 256)
    mask[0, 0, 10, 20] = mask[0, 0, 200, 7] = 1
    expected = deltaE_ciede2000(rgb2lab(photo), rgb2lab(other))[[10, 200], [20, 7]].mean()
    assert hint_error(batch(other), batch(photo), mask).item() == pytest.approx(expected, abs=1e-3)


def test_hints_that_are_kept_score_zero_and_no_hints_are_not_measured(photos):
    photo, other = photos[:2]
    mask = torch.zeros(2, 1, 256, 256)
    mask[0, :, :5, :5] = 1
    prediction = other.copy()
    prediction[:5, :5] = photo[:5, :5]
    kept, none = hint_error(batch(prediction, other), batch(photo, photo), mask)
    assert kept == 0
    assert none.isnan()
