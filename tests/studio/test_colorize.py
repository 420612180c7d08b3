"""A colorized photo keeps its size and lightness, and takes the hints it is given."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from skimage.color import rgb2lab
from torch import nn

from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput, Diverged, UnknownName
from zoo.core.origin import origin_of
from zoo.core.trained import load
from zoo.studio.colorize import colorize
from zoo.studio.photo import as_rgb
from zoo.studio.upsampling import interpolated


class Echo(nn.Module):
    """Answers with the hints it was given, and remembers the condition."""

    stride = 1

    def forward(self, condition):
        self.condition = condition
        return condition[:, 1:3]


@pytest.fixture
def echo() -> Colorizer:
    return Colorizer(Echo())


class Constant(nn.Module):
    stride = 1

    def forward(self, condition):
        return torch.full_like(condition[:, :2], 0.1)


def test_without_chroma_the_photo_is_grey_and_keeps_its_lightness(photos, echo):
    for photo in photos[:3]:
        grey = colorize(echo, photo, size=64)
        assert grey.shape == photo.shape
        assert grey.dtype == np.uint8
        assert (np.ptp(grey.astype(int), axis=2) <= 1).all()
        assert np.abs(rgb2lab(grey)[..., 0] - rgb2lab(photo)[..., 0]).max() < 0.5


def test_the_lightness_stays_at_full_size_when_the_network_works_small(photos):
    coloured = colorize(Colorizer(Constant()), photos[0], size=16)
    lab, truth = rgb2lab(coloured), rgb2lab(photos[0])
    inside = (coloured > 2).all(axis=2) & (coloured < 253).all(axis=2)  # where sRGB has that colour
    assert np.abs(lab[..., 0] - truth[..., 0])[inside].max() < 0.6
    assert np.abs(lab[..., 1:][inside] - 11).mean() < 0.5


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (3, 2), (65, 97)])
def test_any_size_comes_back_as_it_was(echo, size):
    photo = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    assert colorize(echo, photo).shape == photo.shape


def test_a_small_photo_is_not_enlarged_and_a_large_one_is_reduced(echo, photos):
    colorize(echo, photos[0])
    assert echo.network.condition.shape[-2:] == (256, 256)
    colorize(echo, photos[0][:128], size=100)
    assert echo.network.condition.shape[-2:] == (50, 100)


def test_a_run_sees_photos_of_the_size_it_was_trained_at_where_nobody_says(echo, photos):
    def seen(**options):
        colorize(echo, photos[0], **options)
        return echo.network.condition.shape[-1]

    echo.works_at = 48
    assert (seen(), seen(size=100), seen(tiles=True)) == (48, 100, 256)
    echo.works_at = 2048
    assert seen() == 256
    shipped = load("shipped")
    assert shipped.works_at == origin_of("shipped").works_at
    assert shipped.works_at in (128, 256)
    assert load("pyramid").works_at is None


def test_strips_equal_one_interpolation():
    ab = torch.randn(1, 2, 7, 5)
    whole = F.interpolate(ab, (23, 31), mode="bilinear", align_corners=False)
    strips = torch.cat([interpolated(ab, top, min(top + 4, 23), 23, 31) for top in range(0, 23, 4)], dim=2)
    torch.testing.assert_close(strips, whole, rtol=0, atol=1e-5)


def test_hints_reach_the_network_with_their_colour(echo, photos):
    photo = photos[1]
    truth = rgb2lab(photo)[..., 1:].astype(np.float32)
    mask = np.zeros(photo.shape[:2], bool)
    mask[40:44, 60:64] = True
    colorize(echo, photo, hints=(np.where(mask[..., None], truth, np.nan), mask), size=128)
    condition = echo.network.condition
    assert condition[0, 3].sum() == 4  # 4×4 pixels at half the size
    given = condition[0, 1:3, 20:22, 30:32].permute(1, 2, 0) * 110
    expected = truth[40:44, 60:64].reshape(2, 2, 2, 2, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(given, expected, atol=1e-3)


def test_a_lone_hint_is_not_diluted_by_the_pixels_around_it(echo, photos):
    ab = np.zeros((256, 256, 2), np.float32)
    mask = np.zeros((256, 256), bool)
    ab[100, 100], mask[100, 100] = (55, -22), True
    colorize(echo, photos[0], hints=(ab, mask), size=32)
    hinted = echo.network.condition[0, 1:3][:, echo.network.condition[0, 3] == 1]
    np.testing.assert_allclose(hinted[:, 0], [0.5, -0.2], atol=1e-5)


def test_a_path_a_pillow_image_and_an_array_give_the_same(echo, photo_paths, photos):
    expected = colorize(echo, photos[0])
    assert np.array_equal(colorize(echo, photo_paths[0]), expected)
    assert np.array_equal(colorize(echo, Image.open(photo_paths[0])), expected)
    grey = np.asarray(Image.open(photo_paths[0]).convert("L"))
    assert np.array_equal(colorize(echo, grey), colorize(echo, np.repeat(grey[..., None], 3, axis=2)))


def test_the_model_is_run_in_eval_mode_and_left_as_it_was(echo, photos):
    echo.train()
    colorize(echo, photos[0])
    assert echo.training


@pytest.mark.parametrize("image", [np.zeros((4, 4, 3)), np.zeros((0, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), 7])
def test_what_is_no_image_is_refused(echo, image):
    with pytest.raises(BadInput, match=r"image"):
        colorize(echo, image)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_colours_that_are_not_finite_are_no_picture(photos, value):
    class Broken(Constant):
        def forward(self, condition):
            ab = super().forward(condition)
            ab[0, 1, 3, 4] = value
            return ab

    with pytest.raises(Diverged, match="not finite"):
        colorize(Colorizer(Broken()), photos[0])


def test_colours_far_outside_srgb_turn_no_pixel_black(photos):
    class Huge(Constant):
        def forward(self, condition):
            return super().forward(condition) * 1e30

    coloured = colorize(Colorizer(Huge()), photos[0])
    assert (coloured.max(axis=2) > 0)[photos[0].min(axis=2) > 20].all()


def test_a_model_is_given_by_name_by_run_or_is_one_sentence(photos, tmp_path):
    assert np.array_equal(colorize("gray", photos[0]), colorize(load("gray"), photos[0]))
    with pytest.raises(UnknownName, match="'gray'"):
        colorize("grai", photos[0])
    with pytest.raises(BadInput, match="no such run"):
        colorize(tmp_path / "nowhere", photos[0])
    with pytest.raises(BadInput, match=r"of type Constant; give a model's name"):
        colorize(Constant(), photos[0])


def test_a_hint_picture_is_read_from_its_file(photos, tmp_path):
    rgba = np.zeros((256, 256, 4), np.uint8)
    rgba[100:110, 100:110] = (200, 40, 60, 255)
    Image.fromarray(rgba).save(tmp_path / "hints.png")
    coloured = colorize("levin2004", photos[0], hints=tmp_path / "hints.png", size=64)
    assert np.ptp(coloured[105, 105].astype(int)) > 50
    assert np.array_equal(colorize("levin2004", photos[0], hints=str(tmp_path / "hints.png"), size=64), coloured)


def test_hints_of_another_size_and_models_that_want_more_are_refused(echo, photos):
    with pytest.raises(BadInput, match="hints"):
        colorize(echo, photos[0], hints=(np.zeros((4, 4, 2)), np.zeros((4, 4))))
    with pytest.raises(BadInput, match="truth_ab"):
        colorize(Colorizer(Echo(), extras=("truth_ab",)), photos[0])


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_pillow_image_is_read_as_its_file_is(photos, tmp_path, orientation):
    """Turned upright and by its colour profile, whether it has been loaded or not."""
    image = Image.fromarray(photos[0][:100, :60])
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(tmp_path / "a.png", exif=exif, icc_profile=b"damaged")
    for loaded in (True, False):
        with Image.open(tmp_path / "a.png") as opened:
            if loaded:
                opened.load()
            np.testing.assert_array_equal(as_rgb(opened), as_rgb(tmp_path / "a.png"))


def test_a_damaged_pillow_image_is_one_sentence(photos, tmp_path):
    Image.fromarray(photos[0]).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:900])
    with Image.open(tmp_path / "a.png") as opened, pytest.raises(BadInput, match="The image: cannot be read"):
        as_rgb(opened)
