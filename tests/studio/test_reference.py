"""Another photo's colours come into a photo in three ways."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab
from torch import nn

from zoo.core.color import split_lab
from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput
from zoo.studio.colorize import colorize
from zoo.studio.reference import extras_of, matched_hints, matched_histogram


def planes(rgb: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None]


class Given(nn.Module):
    """Answers with the mean colour that it was told."""

    stride = 1
    extras = ("histogram", "saturation")

    def forward(self, condition, extras):
        self.saturation = extras["saturation"]
        return extras["histogram"].mean((2, 3), keepdim=True).expand_as(condition[:, :2])


def test_a_model_that_asks_for_global_features_is_given_the_references(photos):
    model = Colorizer(Given(), extras=Given.extras)
    made = rgb2lab(colorize(model, photos[0], reference=photos[3]))[..., 1:]
    wanted = rgb2lab(photos[3])[..., 1:].mean((0, 1))
    np.testing.assert_allclose(np.median(made, axis=(0, 1)), wanted, atol=1.5)
    hsv = (photos[3].max(2) - photos[3].min(2).astype(float)) / np.maximum(photos[3].max(2), 1)
    assert float(model.network.saturation) == pytest.approx(hsv.mean(), abs=1e-4)


def test_welsh_is_given_the_reference_itself(photos):
    assert np.ptp(colorize("welsh2002", photos[0], reference=photos[3], size=64).astype(int), axis=2).mean() > 5
    assert extras_of(planes(photos[3]), ["reference"], "welsh2002")["reference"].dtype == torch.uint8


def test_the_histogram_of_the_result_is_the_references(photos):
    """Both marginals, within a unit or two of Lab: the one-dimensional distance of Wasserstein."""
    ab, reference = (split_lab(planes(photos[number]))[1] for number in (1, 3))
    made = matched_histogram(ab, reference)
    for before, after, wanted in zip(ab[0], made[0], reference[0], strict=True):
        before, after, wanted = (110 * each.flatten().sort().values for each in (before, after, wanted))
        assert (after - wanted).abs().mean() < 1.5
        assert (after - wanted).abs().mean() < (before - wanted).abs().mean() / 3


def test_no_colour_stays_none_by_histogram(photos):
    grey = colorize("gray", photos[0], reference=photos[3], reference_use="histogram")
    assert np.ptp(grey.astype(int), axis=2).max() <= 1


def test_hints_are_the_references_colours_where_both_look_alike(photos):
    """A photo that is its own reference: hardly a hint is wrong, and there are enough of them."""
    rgb = planes(photos[0])
    lightness, truth = split_lab(rgb)
    ab, mask = matched_hints(lightness, rgb)
    known = mask[0, 0] > 0
    assert 20 < int(known.sum()) <= 32 * 32
    off = 110 * (ab - truth)[0][:, known].norm(dim=0)
    everywhere = 110 * (truth[0][:, known] - truth.mean((2, 3)).view(2, 1)).norm(dim=0)
    assert off.median() < everywhere.median() / 2


def test_a_photo_of_something_else_gives_few_hints_or_none(photos):
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    _, mask = matched_hints(split_lab(planes(photos[0]))[0], planes(noise))
    assert mask.sum() < 0.05 * 32 * 32


def test_hints_by_matching_reach_the_network_and_a_persons_stand(photos):
    class Echo(nn.Module):
        stride = 1

        def forward(self, condition):
            self.condition = condition
            return condition[:, 1:3]

    model = Colorizer(Echo())
    ab, mask = np.zeros((256, 256, 2), np.float32), np.ones((256, 256), bool)
    mask[:, 128:] = False
    colorize(model, photos[0], hints=(ab, mask), reference=photos[0], reference_use="hints")
    condition = model.network.condition
    assert condition[0, 3, :, :128].all()
    assert condition[0, 1:3, :, :128].abs().max() == 0
    assert 0 < condition[0, 3, :, 128:].mean() < 0.1


def test_what_cannot_be_is_one_sentence(photos):
    with pytest.raises(BadInput, match="takes no reference"):
        colorize("gray", photos[0], reference=photos[1], reference_use="global")
    with pytest.raises(BadInput, match="reads no hints"):
        colorize("gray", photos[0], reference=photos[1], reference_use="hints")
    with pytest.raises(BadInput, match="none is given"):
        colorize("gray", photos[0], reference_use="hints")
    with pytest.raises(BadInput, match="no use of a reference"):
        colorize("gray", photos[0], reference=photos[1], reference_use="magic")
