"""Elastic deformation against scipy's own resampling and interpolation written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from zoo.core.errors import BadInput
from zoo.parts.augmentations.elastic import Elastic, warped


def photo_tensor(photos, count: int = 2) -> torch.Tensor:
    return torch.from_numpy(np.stack([photo[:96, :96] for photo in photos[:count]])).permute(0, 3, 1, 2).contiguous()


def cubic_weights(size: int, points: int) -> np.ndarray:
    """(size, points) float64: what each point of the grid weighs at each pixel, Keys' kernel with a = −0.75."""
    a, weights = -0.75, np.zeros((size, points))
    for pixel in range(size):
        at = pixel * (points - 1) / (size - 1)
        for point in range(int(np.floor(at)) - 1, int(np.floor(at)) + 3):
            d = abs(at - point)
            near = (a + 2) * d**3 - (a + 3) * d**2 + 1
            far = a * (d**3 - 5 * d**2 + 8 * d - 4)
            weights[pixel, np.clip(point, 0, points - 1)] += near if d <= 1 else far
    return weights


def test_a_pixel_is_fetched_from_where_the_interpolated_displacement_points(photos):
    given = photo_tensor(photos)
    coarse = 0.03 * torch.randn(2, 2, 3, 3, generator=torch.Generator().manual_seed(0))
    found = warped(given, coarse)
    weights = cubic_weights(96, 3)
    rows, columns = np.mgrid[:96, :96].astype(float)
    for photo, displaced, result in zip(given.numpy(), coarse.double().numpy(), found.numpy(), strict=True):
        across, down = (96 * (weights @ each @ weights.T) for each in displaced)
        for channel, got in zip(photo, result, strict=True):
            expected = map_coordinates(channel.astype(float), (rows + down, columns + across), order=1, mode="reflect")
            assert np.abs(got - expected).max() < 0.51  # rounded to whole numbers


def test_displacements_are_drawn_anew_for_each_photo_with_the_asked_spread(monkeypatch):
    seen = []
    monkeypatch.setattr("zoo.parts.augmentations.elastic.warped", lambda photos, coarse: seen.append(coarse) or photos)
    Elastic(std=0.05)(torch.zeros(4000, 3, 2, 2, dtype=torch.uint8), torch.Generator().manual_seed(1))
    (coarse,) = seen
    assert coarse.shape == (4000, 2, 3, 3)
    assert coarse.mean().abs() < 0.001
    assert coarse.std(0).sub(0.05).abs().max() < 0.0025  # four standard errors
    assert Elastic().std * 512 == 10  # the paper's 10 pixels


def test_no_displacement_leaves_the_photo_as_it_is(photos):
    given = photo_tensor(photos)
    assert torch.equal(Elastic(std=0)(given, torch.Generator()), given)


def test_what_it_cannot_bend_by_is_refused():
    with pytest.raises(BadInput, match="std is -1"):
        Elastic(std=-1)
    with pytest.raises(BadInput, match="grid 1"):
        Elastic(grid=1)
