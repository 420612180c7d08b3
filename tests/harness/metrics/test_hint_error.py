from dataclasses import replace

import pytest
import torch
from skimage.color import deltaE_ciede2000, rgb2lab

from zoo.core.color import join_lab, split_lab, to_uint8
from zoo.core.contracts import Batch
from zoo.harness.scoring.scores import hint_error


def pictures(*images):
    return torch.stack([torch.tensor(image).permute(2, 0, 1) for image in images])


def asked(mask, *images):
    """The images' own colours as hints where the mask says so."""
    lightness, ab = split_lab(pictures(*images))
    return Batch(lightness, ab, ab * mask, mask)


def test_only_hinted_pixels_count(photos):
    photo, other = photos[:2]
    mask = torch.zeros(1, 1, 256, 256)
    mask[0, 0, 10, 20] = mask[0, 0, 200, 7] = 1
    expected = deltaE_ciede2000(rgb2lab(photo), rgb2lab(other))[[10, 200], [20, 7]].mean()
    assert hint_error(pictures(other), asked(mask, photo)).item() == pytest.approx(expected, abs=1e-3)


def test_hints_that_are_kept_score_zero_and_no_hints_are_not_measured(photos):
    photo, other = photos[:2]
    mask = torch.zeros(2, 1, 256, 256)
    mask[0, :, :5, :5] = 1
    prediction = other.copy()
    prediction[:5, :5] = photo[:5, :5]
    kept, none = hint_error(pictures(prediction, other), asked(mask, photo, photo))
    assert kept == 0
    assert none.isnan()


def test_a_patch_asks_for_its_mean_and_not_for_what_it_covers(photos):
    """Who paints a patch as it was asked is right, and who paints the photo is not."""
    mask = torch.zeros(1, 1, 256, 256)
    mask[..., 90:130, 90:130] = 1
    batch = asked(mask, photos[0])
    mean = (batch.ab * mask).sum((2, 3), keepdim=True) / mask.sum()
    batch = replace(batch, hint_ab=mean * mask)
    lab = rgb2lab(photos[0])
    covered = lab[90:130, 90:130]
    meant = covered.copy()
    meant[..., 1:] = covered[..., 1:].mean((0, 1))
    as_asked = to_uint8(join_lab(batch.lightness, batch.hint_ab))
    assert hint_error(as_asked, batch) == 0
    expected = deltaE_ciede2000(covered, meant).mean()
    assert expected > 1, "its colours differ"
    assert hint_error(pictures(photos[0]), batch).item() == pytest.approx(expected, abs=0.25)
