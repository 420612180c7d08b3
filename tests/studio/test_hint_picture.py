"""A hint picture: which of its pixels are hints, and in which colour."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter
from skimage.color import rgb2lab

from zoo.core.errors import BadInput
from zoo.studio.hint_file import read_hints

GREY = np.full((6, 8, 3), 90, np.uint8)
RED, BLUE = (200, 40, 60), (40, 70, 190)


@pytest.fixture
def grey(photos) -> np.ndarray:
    """A real photo in grey, (256, 256, 3)."""
    return np.asarray(Image.fromarray(photos[0]).convert("L").convert("RGB"))


def painted(photo: np.ndarray) -> tuple[Image.Image, np.ndarray]:
    """Two strokes on a photo, and where they are."""
    picture, where = Image.fromarray(photo), Image.new("1", photo.shape[1::-1])
    for image, colours in ((picture, (RED, BLUE)), (where, (1, 1))):
        draw = ImageDraw.Draw(image)
        draw.line((40, 50, 120, 60), fill=colours[0], width=13)
        draw.ellipse((150, 150, 180, 175), fill=colours[1])
    return picture, np.asarray(where)


def test_opaque_pixels_of_a_transparent_picture_are_hints(tmp_path):
    rgba = np.zeros((6, 8, 4), np.uint8)
    rgba[2, 3] = (*RED, 255)
    rgba[4, 5] = (128, 128, 128, 255)  # grey is a hint too when it is painted
    rgba[0, 0] = (*RED, 100)
    Image.fromarray(rgba).save(tmp_path / "hints.png")
    (ab, mask), remark = read_hints(tmp_path / "hints.png", GREY)
    assert list(zip(*np.nonzero(mask), strict=True)) == [(2, 3), (4, 5)]
    np.testing.assert_allclose(ab[mask], rgb2lab(rgba[..., :3])[mask][:, 1:], atol=1e-3)
    assert remark == ""


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])  # many programs save an alpha channel that says nothing
def test_coloured_pixels_of_an_opaque_picture_are_hints(tmp_path, mode):
    rgb = GREY.copy()
    rgb[1, 2] = (90, 150, 90)
    rgb[3, 3] = (90, 110, 90)  # within what a camera's or a JPEG's grey strays
    Image.fromarray(rgb).convert(mode).save(tmp_path / "hints.png")
    (_, mask), _ = read_hints(tmp_path / "hints.png", GREY)
    assert list(zip(*np.nonzero(mask), strict=True)) == [(1, 2)]


def test_a_brown_print_is_no_hint_of_brown(tmp_path, grey):
    brown = (grey * (1.0, 0.8, 0.55)).astype(np.uint8)
    picture, where = painted(brown)
    picture.save(tmp_path / "hints.png")
    (_, mask), _ = read_hints(tmp_path / "hints.png", brown)
    assert np.array_equal(mask, where)


def test_a_picture_of_another_size_or_without_hints_is_refused(tmp_path):
    Image.new("RGB", (8, 6), (90, 90, 90)).save(tmp_path / "grey.png")
    with pytest.raises(BadInput, match="photo's size"):
        read_hints(tmp_path / "grey.png", GREY[:, :6])
    with pytest.raises(BadInput, match="holds no hint"):
        read_hints(tmp_path / "grey.png", GREY)
    with pytest.raises(BadInput, match="cannot be read"):
        read_hints(tmp_path, GREY)


@pytest.mark.parametrize(
    ("file", "options"),
    [
        ("hints.jpg", {"quality": 75}),
        ("hints.jpg", {"quality": 40}),
        ("hints.webp", {"quality": 60}),
    ],
)
def test_of_a_lossy_picture_only_the_marks_inside_are_hints(tmp_path, grey, file, options):
    picture, where = painted(grey)
    picture.save(tmp_path / file, **options)
    decoded = np.asarray(Image.open(tmp_path / file).convert("RGB")).astype(int)
    noise = (np.ptp(decoded, axis=2) > 25) & ~where
    assert noise.sum() > 50  # what would be taken for hints
    (ab, mask), remark = read_hints(tmp_path / file, grey)
    assert not (mask & ~where).any()
    assert mask[where].mean() > 0.15
    truth = rgb2lab(np.asarray(picture))[..., 1:]
    stray = np.hypot(*np.moveaxis(ab - truth, 2, 0))
    assert stray[mask].mean() < 5 < stray[noise].mean()
    assert "noise" in remark
    assert "PNG" in remark


def test_a_cameras_noise_is_no_hint_and_the_strokes_on_it_are(tmp_path, grey):
    noise = np.random.default_rng(0).normal(0, 18, grey.shape)
    photographed = np.clip(grey + noise, 0, 255).astype(np.uint8)
    picture, where = painted(photographed)
    picture.save(tmp_path / "hints.png")
    (_, mask), remark = read_hints(tmp_path / "hints.png", grey)
    assert not (mask & ~where).any()
    assert mask[where].mean() > 0.6
    assert "noise" in remark
    Image.fromarray(photographed).save(tmp_path / "noise.png")
    with pytest.raises(BadInput, match="only noise"):
        read_hints(tmp_path / "noise.png", grey)


def test_a_picture_without_loss_keeps_every_dot_however_many(tmp_path, grey):
    dots = np.random.default_rng(0).random(grey.shape[:2]) < 0.02
    rgb = np.where(dots[..., None], np.uint8(RED), grey)
    for file, options in (("hints.png", {}), ("hints.webp", {"lossless": True})):
        Image.fromarray(rgb).save(tmp_path / file, **options)
        (_, mask), remark = read_hints(tmp_path / file, grey)
        assert np.array_equal(mask, dots)
        assert remark == ""


def test_a_soft_brush_on_transparency_is_taken_where_it_is_half_opaque(tmp_path, grey):
    _, where = painted(grey)
    soft = Image.fromarray(where).convert("L").filter(ImageFilter.GaussianBlur(3))
    picture = Image.new("RGBA", soft.size, (*RED, 255))
    picture.putalpha(soft)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    (_, mask), _ = read_hints(tmp_path / "not there.png", grey, buffer.getvalue())
    assert np.array_equal(mask, np.asarray(soft) >= 128)
