"""Statistics against scipy's, the descriptor against scikit-image's."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, uniform_filter
from skimage.feature import daisy as skimage_daisy

from zoo.parts.classical.local_features import box_mean, daisy, gaussian_blur


def test_the_statistics_are_scipys(hinted: Callable) -> None:
    lightness = hinted(4, 0.0).condition[:1, :1]
    photo = lightness[0, 0].double().numpy()
    mean = uniform_filter(photo, 9, mode="nearest")
    blurred = gaussian_filter(photo, 4.0, mode="nearest", truncate=4.0)
    np.testing.assert_allclose(box_mean(lightness, 9)[0, 0].numpy(), mean, atol=1e-5)
    np.testing.assert_allclose(gaussian_blur(lightness, 4.0)[0, 0].numpy(), blurred, atol=1e-5)


@pytest.mark.parametrize(("radius", "rings", "histograms"), [(15, 1, 3), (8, 2, 8)])
@pytest.mark.slow
def test_it_is_scikit_images_away_from_the_border(
    photos: list[np.ndarray], radius: int, rings: int, histograms: int
) -> None:
    lightness = photos[0][:, :128].mean(2) / 255
    layout = {"radius": radius, "rings": rings, "histograms": histograms, "orientations": 8}
    theirs = skimage_daisy(lightness, step=1, normalization="l2", **layout)
    found = daisy(torch.from_numpy(lightness)[None, None], **layout)[0].permute(1, 2, 0).numpy()
    assert found.shape == (256, 128, (rings * histograms + 1) * 8)
    reach = 4 * radius  # beyond it neither sees the border
    inner = found[reach:-reach, reach:-reach]
    theirs = theirs[reach - radius : reach - radius + inner.shape[0], reach - radius : reach - radius + inner.shape[1]]
    assert inner.size
    np.testing.assert_allclose(inner, theirs, atol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (33, 20)])
def test_every_pixel_of_any_photo_has_one_of_norm_1(size: tuple[int, int]) -> None:
    lightness = torch.rand(2, 1, *size, generator=torch.Generator().manual_seed(0))
    found = daisy(lightness)
    assert found.shape == (2, 32, *size)
    if size != (1, 1):
        torch.testing.assert_close(found.norm(dim=1), torch.ones(2, *size))


def test_a_flat_photo_has_a_descriptor_of_zeros() -> None:
    assert not daisy(torch.full((1, 1, 20, 20), 0.3)).any()
