"""What a photo's colour profile means, against the colour spaces' own numbers in float64."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from zoo.core.photo import open_photo, to_rgb

space = runpy.run_path(str(Path(__file__).with_name("colour_profiles.py")))


def power(gamma: float):
    return lambda value: np.clip(value, 0, 1) ** gamma


WIDE = {
    "Display P3": (space["DISPLAY_P3"], None, space["srgb_linear"], space["srgb_encoded"]),
    "Adobe RGB (1998)": (space["ADOBE_RGB"], space["ADOBE_GAMMA"], power(563 / 256), power(256 / 563)),
}


@pytest.fixture
def photo(photos: list[np.ndarray]) -> np.ndarray:
    return max(photos, key=lambda photo: photo.std(axis=2).mean())  # the most colourful


def profile_of(name: str) -> bytes:
    primaries, curve, _, _ = WIDE[name]
    return space["rgb_profile"](name, primaries, curve)


@pytest.mark.parametrize("name", WIDE)
@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "avif"])
def test_a_wide_colour_space_is_converted_as_its_numbers_say(tmp_path: Path, photo: np.ndarray, name: str, suffix: str):
    primaries, _, linear, _ = WIDE[name]
    file = tmp_path / f"wide.{suffix}"
    lossless = {"webp": {"lossless": True}, "avif": {"quality": 100, "subsampling": "4:4:4"}}.get(suffix, {})
    Image.fromarray(photo).save(file, icc_profile=profile_of(name), **lossless)
    expected = space["in_srgb"](photo, primaries, linear)
    read = open_photo(file)
    assert np.abs(read.rgb - expected).mean() < (1.5 if suffix == "avif" else 0.5)
    if suffix != "avif":
        assert np.abs(read.rgb - expected).max() <= 1
    assert read.notes == (f"converted from {name} to sRGB by its colour profile",)


@pytest.mark.parametrize("name", WIDE)
def test_a_wide_copy_of_a_photo_is_the_photo(tmp_path: Path, photo: np.ndarray, name: str):
    """It scored 27 dB against itself while profiles were ignored."""
    primaries, _, _, encoded = WIDE[name]
    wide = space["from_srgb"](photo, primaries, encoded)
    Image.fromarray(wide).save(tmp_path / "wide.png", icc_profile=profile_of(name))
    error = open_photo(tmp_path / "wide.png").rgb.astype(float) - photo
    assert 10 * np.log10(255**2 / (error**2).mean()) > 45
    assert 10 * np.log10(255**2 / ((wide.astype(float) - photo) ** 2).mean()) < 33


@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2])
@pytest.mark.parametrize("mode", ["L", "LA", "1", "I;16"])
def test_grey_with_a_gamma_becomes_srgbs_grey(tmp_path: Path, mode: str, gamma: float):
    ramp = np.tile(np.arange(256, dtype=np.uint8), (20, 1))
    image = Image.fromarray(ramp.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(ramp).convert(mode)
    stored = np.asarray(Image.fromarray(ramp).convert(mode).convert("L")) if mode == "1" else ramp
    image.save(tmp_path / "grey.png", icc_profile=space["grey_profile"]("grey", gamma))
    expected = space["srgb_encoded"]((stored / 255.0) ** gamma) * 255
    read = open_photo(tmp_path / "grey.png")
    assert np.abs(read.rgb - expected[..., None]).max() <= 0.6
    assert "converted from grey to sRGB" in read.notes[0]


def test_an_srgb_profile_of_any_maker_changes_no_sample(tmp_path: Path, photo: np.ndarray):
    of_littlecms = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for number, profile in enumerate([of_littlecms, space["rgb_profile"]("c2ci", space["SRGB"], None)]):
        file = tmp_path / f"{number}.png"
        Image.fromarray(photo).save(file, icc_profile=profile)
        read = open_photo(file)
        np.testing.assert_array_equal(read.rgb, photo)
        assert read.notes == ()


def test_a_grey_picture_under_a_profile_for_colours_stays_grey(tmp_path: Path, photo: np.ndarray):
    Image.fromarray(photo).convert("L").save(tmp_path / "g.jpg", icc_profile=profile_of("Adobe RGB (1998)"))
    rgb = open_photo(tmp_path / "g.jpg").rgb.astype(int)
    assert np.ptp(rgb, axis=2).max() <= 1


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_cmyk_is_converted_by_its_profile(tmp_path: Path, suffix: str):
    black = np.tile(np.arange(256, dtype=np.uint8), (16, 1))
    inks = np.stack([np.full_like(black, 90), np.full_like(black, 10), np.full_like(black, 30), black], axis=-1)
    file = tmp_path / f"print.{suffix}"
    quality = {"quality": 100} if suffix == "jpg" else {}
    Image.fromarray(inks, mode="CMYK").save(file, icc_profile=space["cmyk_profile"]("ink"), **quality)
    read = open_photo(file)
    y = ((100 * (1 - black / 255) + 16) / 116) ** 3  # CIE L* to Y, above L* = 8
    expected = space["srgb_encoded"](y) * 255
    light = black < 225
    assert np.abs(read.rgb - expected[..., None])[light].max() <= 5
    assert np.ptp(read.rgb.astype(int), axis=2).max() <= 2
    assert read.notes == ("converted from ink to sRGB by its colour profile",)


def test_transparency_outlives_the_conversion(tmp_path: Path, photo: np.ndarray):
    image = Image.fromarray(photo).convert("RGBA")
    image.putalpha(Image.fromarray(photo[..., 0]))
    image.save(tmp_path / "veil.png", icc_profile=profile_of("Display P3"))
    read = open_photo(tmp_path / "veil.png").image
    assert read.mode == "RGBA"
    np.testing.assert_array_equal(np.asarray(read)[..., 3], photo[..., 0])


def test_a_palettes_colours_are_converted(tmp_path: Path, photo: np.ndarray):
    reduced = Image.fromarray(photo).quantize(64)
    reduced.save(tmp_path / "p.png", icc_profile=profile_of("Display P3"))
    primaries, _, linear, _ = WIDE["Display P3"]
    expected = space["in_srgb"](np.asarray(reduced.convert("RGB")), primaries, linear)
    assert np.abs(open_photo(tmp_path / "p.png").rgb - expected).max() <= 1


def test_pictures_in_memory_are_converted_too(photo: np.ndarray):
    image = Image.fromarray(photo)
    image.info["icc_profile"] = profile_of("Display P3")
    primaries, _, linear, _ = WIDE["Display P3"]
    assert np.abs(to_rgb(image) - space["in_srgb"](photo, primaries, linear)).max() <= 1


def broken() -> dict[str, bytes]:
    whole = profile_of("Display P3")
    return {
        "cut": whole[:200],
        "empty tags": whole[:128] + b"\0" * (len(whole) - 128),
        "text": b"not a profile at all",
        "one byte": b"x",
        "of another kind": space["cmyk_profile"]("ink"),
        "grey": space["grey_profile"]("grey", 1.8),
    }


@pytest.mark.parametrize("kind", broken())
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_damaged_profile_is_said_and_the_samples_are_kept(tmp_path: Path, photo: np.ndarray, kind: str, suffix: str):
    file = tmp_path / f"broken.{suffix}"
    Image.fromarray(photo).save(file, icc_profile=broken()[kind])
    plain = np.asarray(Image.open(file).convert("RGB"))
    read = open_photo(file)
    np.testing.assert_array_equal(read.rgb, plain)
    (note,) = read.notes
    assert "its colour profile" in note
    assert "not applied" in note


def test_a_profiles_name_cannot_speak_to_a_terminal(tmp_path: Path, photo: np.ndarray):
    profile = space["rgb_profile"]("\x1b[2Jred\x07\n", space["DISPLAY_P3"], None)
    Image.fromarray(photo).save(tmp_path / "x.png", icc_profile=profile)
    (note,) = open_photo(tmp_path / "x.png").notes
    assert note.isprintable()
    assert "red" in note
