import math

import numpy as np
import pytest
import torch
from skimage.color import lab2rgb, rgb2lab

from zoo.harness.metrics.checkerboard import Checkerboard, grid_energy


def tensor(image):
    return torch.tensor(image).permute(2, 0, 1)[None]


def with_chroma(photo, pattern):
    lab = rgb2lab(photo)
    lab[..., 1:] += pattern[..., None]
    return (lab2rgb(lab).clip(0, 1) * 255).round().astype("uint8")


@pytest.mark.parametrize("period", [2, 4])
@pytest.mark.parametrize("size", [64, 65, 256])
def test_the_energy_of_a_wave_is_its_mean_square(period, size):
    """Amplitude 3 on a* alone: at period 2 it alternates ±3 (energy 9), at 4 it is a cosine (9/2)."""
    x = torch.arange(size)
    wave = (3 * torch.cos(2 * math.pi * x / period)).expand(size, size)
    ab = torch.stack((wave, torch.zeros_like(wave)))[None]
    assert grid_energy(ab).item() == pytest.approx(9 if period == 2 else 4.5, rel=0.05)


@pytest.mark.parametrize("period", [3, 8])
def test_other_periods_do_not_count(period):
    wave = (3 * torch.cos(2 * math.pi * torch.arange(256) / period)).expand(256, 256)
    assert grid_energy(torch.stack((wave, wave))[None]).item() < 0.01


def test_a_grid_on_a_real_photo_is_found(photos):
    y, x = np.mgrid[:256, :256]
    for photo in photos:
        for pattern in (((x + y) % 2) * 8 - 4, 5.0 * np.cos(np.pi * x / 2)):
            marked = with_chroma(photo, pattern)
            assert Checkerboard().per_image(tensor(marked), tensor(photo)).item() > 3


def test_identical_is_zero_and_grey_is_smoother_than_the_photo(photos):
    batch = torch.cat([tensor(photo) for photo in photos])
    grey = batch[:, :1].expand_as(batch).contiguous()
    assert Checkerboard().per_image(batch, batch).tolist() == [0.0] * len(photos)
    assert (Checkerboard().per_image(grey, batch) < 0).all()


def test_small_images_are_not_measured():
    small = torch.zeros(1, 3, 15, 64, dtype=torch.uint8)
    assert Checkerboard().per_image(small, small).isnan().all()
