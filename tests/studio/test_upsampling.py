"""Chroma comes up to full size strip by strip, near the truth, and as the papers say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import uniform_filter
from skimage.color import lab2rgb, rgb2lab

from zoo.core.color import split_lab
from zoo.studio.manner import UPSAMPLINGS
from zoo.studio.upsampling import RADIUS, SMOOTHNESS, WAYS, Small, guided, interpolated


def planes(rgb: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None]


def small_of(rgb: np.ndarray, height: int, width: int) -> Small:
    """What a colorizer without fault gives at that size."""
    lightness, ab = split_lab(
        planes(np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.LANCZOS)))
    )
    return Small(ab, lightness, planes(rgb))


def test_the_names_are_those_of_the_options():
    assert set(WAYS) == set(UPSAMPLINGS)


@pytest.mark.parametrize("name", UPSAMPLINGS)
@torch.no_grad()
def test_strips_are_parts_of_the_whole(photos, name):
    small = small_of(photos[2][:101, :77], 33, 25)
    rows = WAYS[name](small)
    strips = torch.cat([rows(top, min(top + 17, 101)) for top in range(0, 101, 17)], dim=2)
    torch.testing.assert_close(strips, rows(0, 101), rtol=0, atol=1e-5)
    assert strips.shape == (1, 2, 101, 77)


@pytest.mark.parametrize("name", UPSAMPLINGS)
@torch.no_grad()
def test_one_colour_stays_that_colour(photos, name):
    small = small_of(photos[0][:64, :96], 16, 24)
    small = small._replace(ab=torch.tensor([0.3, -0.2]).view(1, 2, 1, 1).expand(1, 2, 16, 24).contiguous())
    torch.testing.assert_close(
        WAYS[name](small)(0, 64), torch.tensor([0.3, -0.2]).view(1, 2, 1, 1).expand(1, 2, 64, 96), rtol=0, atol=1e-4
    )


@torch.no_grad()
def test_the_guided_filter_is_that_of_he_sun_and_tang(photos):
    """Eqs. 5, 6 and 8 in float64 by scipy, at the photo's own size, where the fast form is the filter itself."""
    small = small_of(photos[1][:60, :50], 60, 50)
    guide, ab = small.lightness[0, 0].double().numpy(), small.ab[0, 0].double().numpy()

    def mean(image: np.ndarray) -> np.ndarray:
        return uniform_filter(image, 2 * RADIUS + 1)

    slope = (mean(guide * ab) - mean(guide) * mean(ab)) / (mean(guide**2) - mean(guide) ** 2 + SMOOTHNESS)
    expected = mean(slope) * guide + mean(mean(ab) - slope * mean(guide))
    inside = slice(2 * RADIUS, -2 * RADIUS)
    made = guided(small)(0, 60)[0, 0].numpy()
    np.testing.assert_allclose(made[inside, inside], expected[inside, inside], atol=1e-5)


@torch.no_grad()
def test_colour_that_goes_with_lightness_keeps_its_edge():
    """Two halves of unlike lightness and colour, the edge between two small pixels' middles."""
    rgb = lab2rgb(np.where(np.arange(60)[None, :, None] < 33, [40.0, 30, 20], [75.0, -20, 10]) * np.ones((40, 1, 1)))
    photo = (rgb * 255).round().astype(np.uint8)
    truth = split_lab(planes(photo))[1]
    small = small_of(photo, 10, 15)
    error = {name: float((WAYS[name](small)(0, 40) - truth).abs().mean()) for name in UPSAMPLINGS}
    for name in ("slopes", "bilateral", "propagated"):
        assert error[name] < 0.6 * error["bilinear"], name


@torch.no_grad()
def test_the_default_is_nearer_the_truth_than_bilinear_on_photos(photos):
    off = {UPSAMPLINGS[0]: 0.0, "bilinear": 0.0}
    for rgb in photos:
        small, truth = small_of(rgb, 64, 64), torch.from_numpy(rgb2lab(rgb)[..., 1:] / 110).permute(2, 0, 1)[None]
        for name in off:
            off[name] += float((WAYS[name](small)(0, 256) - truth).abs().mean())
    assert off[UPSAMPLINGS[0]] < off["bilinear"]


def test_bilinear_is_torchs():
    image = torch.randn(1, 2, 7, 5)
    whole = torch.nn.functional.interpolate(image, (23, 31), mode="bilinear", align_corners=False)
    torch.testing.assert_close(interpolated(image, 4, 11, 23, 31), whole[:, :, 4:11], rtol=0, atol=1e-5)


def test_every_way_is_in_the_docs():
    text = (Path(__file__).parents[2] / "docs" / "colorize.md").read_text(encoding="utf-8")
    for name in UPSAMPLINGS:
        assert f"`{name}`" in text
