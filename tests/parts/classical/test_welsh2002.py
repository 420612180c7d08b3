"""Matching by lightness and texture, against a search written out."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.ndimage import generic_filter

from zoo.core.color import split_lab
from zoo.core.errors import BadInput
from zoo.parts.classical.welsh2002 import Welsh2002, jittered_grid, remap


def test_a_photo_with_itself_as_the_reference_is_coloured_better_than_grey(hinted: Callable) -> None:
    photos = hinted(4, 0.0)
    found = Welsh2002()(photos.condition, {"reference": photos.rgb})
    assert found.shape == photos.ab.shape
    assert photos.psnr(found) > photos.psnr(torch.zeros_like(found)) + 3


def test_every_pixel_has_the_colour_of_the_nearest_sample(hinted: Callable) -> None:
    photos = hinted(8, 0.0)
    target, rgb = photos.condition[:1], photos.rgb[1:2]
    found = Welsh2002()(target, {"reference": rgb})[0].flatten(1).numpy()
    lightness, colours = (part[0].flatten(1).double().numpy() for part in split_lab(rgb))
    grey = target[0, 0].double().numpy()
    lightness = (lightness[0] - lightness.mean()) / lightness.std() * grey.std() + grey.mean()
    texture, known = (generic_filter(p, np.std, 5, mode="nearest") for p in (grey, lightness.reshape(32, 32)))
    places = jittered_grid(32, 32, 200).numpy()
    distance = 0.5 * abs(grey.reshape(-1, 1) - lightness[places])
    distance += 0.5 * abs(texture.reshape(-1, 1) - known.ravel()[places])
    expected = colours[:, places[distance.argmin(1)]]
    assert (abs(found - expected).max(0) < 1e-5).mean() > 0.99  # but for ties within rounding


def test_the_reference_gets_the_targets_mean_and_deviation(hinted: Callable) -> None:
    lightness = hinted(8, 0.0).condition[:, :1]
    found, target = remap(lightness[:4], lightness[4:]), lightness[4:]
    torch.testing.assert_close(found.mean((1, 2, 3)), target.mean((1, 2, 3)), atol=1e-5, rtol=0)
    torch.testing.assert_close(found.std((1, 2, 3)), target.std((1, 2, 3)), atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(64, 64), (40, 160), (1, 1), (3, 500)])
def test_samples_are_about_as_many_as_asked_spread_out_and_always_the_same(size: tuple[int, int]) -> None:
    places = jittered_grid(*size, 200)
    assert torch.equal(places, jittered_grid(*size, 200))
    assert len(places.unique()) >= 0.95 * len(places)  # cells that are not whole pixels may share one
    assert int(places.max()) < size[0] * size[1]
    assert 0.9 * min(200, size[0] * size[1]) <= len(places) <= 220


def test_hints_are_ignored(hinted: Callable) -> None:
    none, many = hinted(8, 0.0), hinted(8, 0.2)
    extras = {"reference": none.rgb.flip(0)}
    assert torch.equal(Welsh2002()(none.condition, extras), Welsh2002()(many.condition, extras))


@pytest.mark.parametrize("options", [{"samples": 0}, {"window": 4}, {"balance": 1.5}])
def test_an_option_that_cannot_be_is_refused(options: dict) -> None:
    with pytest.raises(BadInput, match="welsh2002"):
        Welsh2002(**options)
