"""Colour spaces that a file names without embedding a profile, against their own numbers in float64."""

from __future__ import annotations

import runpy
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from zoo.core.photo import open_photo

space = runpy.run_path(str(Path(__file__).with_name("colour_profiles.py")))


@pytest.fixture
def photo(photos: list[np.ndarray]) -> np.ndarray:
    return max(photos, key=lambda photo: photo.std(axis=2).mean())


def exif_of(index: str) -> Image.Exif:
    exif = Image.Exif()
    exif[0x8769] = {0xA001: 0xFFFF, 0xA005: {1: index}}
    return exif


def adobe(photo: np.ndarray) -> np.ndarray:
    return space["in_srgb"](photo, space["ADOBE_RGB"], lambda value: value ** (563 / 256))


def test_adobe_rgb_of_a_camera_is_told_by_its_exif_alone(tmp_path: Path, photo: np.ndarray):
    Image.fromarray(photo).save(tmp_path / "_DSC1.png", exif=exif_of("R03"))
    read = open_photo(tmp_path / "_DSC1.png")
    assert np.abs(read.rgb - adobe(photo)).max() <= 1
    assert read.notes == ("converted from Adobe RGB to sRGB as its EXIF says",)


@pytest.mark.parametrize("index", ["R98", "THM", ""])
def test_any_other_index_is_srgb(tmp_path: Path, photo: np.ndarray, index: str):
    Image.fromarray(photo).save(tmp_path / "a.png", exif=exif_of(index))
    np.testing.assert_array_equal(open_photo(tmp_path / "a.png").rgb, photo)


def test_an_embedded_profile_goes_before_the_exif(tmp_path: Path, photo: np.ndarray):
    profile = space["rgb_profile"]("sRGB", space["SRGB"], None)
    Image.fromarray(photo).save(tmp_path / "a.png", exif=exif_of("R03"), icc_profile=profile)
    np.testing.assert_array_equal(open_photo(tmp_path / "a.png").rgb, photo)


def png(file: Path, picture: np.ndarray, gamma: float, corners=None, *, srgb: bool = False) -> Path:
    info = PngImagePlugin.PngInfo()
    if srgb:
        info.add(b"sRGB", b"\0")
    info.add(b"gAMA", struct.pack(">I", round(gamma * 100_000)))
    if corners is not None:
        info.add(b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in corners)))
    Image.fromarray(picture).save(file, pnginfo=info)
    return file


@pytest.mark.parametrize("gamma", [1.0, 1.8])
def test_a_pngs_gamma_is_applied(tmp_path: Path, photo: np.ndarray, gamma: float):
    read = open_photo(png(tmp_path / "a.png", photo, 1 / gamma))
    expected = space["srgb_encoded"]((photo / 255.0) ** gamma) * 255
    assert np.abs(read.rgb - expected).max() <= 1
    assert read.notes == (f"converted from gamma {gamma:.3g} to sRGB as its chunks gAMA and cHRM say",)
    grey = photo[..., 1]
    read = open_photo(png(tmp_path / "g.png", grey, 1 / gamma))
    assert np.abs(read.rgb[..., 0] - space["srgb_encoded"]((grey / 255.0) ** gamma) * 255).max() <= 1


def test_a_pngs_primaries_are_applied(tmp_path: Path, photo: np.ndarray):
    corners = [0.3127, 0.3290, *(value for corner in space["ADOBE_RGB"] for value in corner)]
    read = open_photo(png(tmp_path / "a.png", photo, 256 / 563, corners))
    assert np.abs(read.rgb - adobe(photo)).max() <= 1


@pytest.mark.parametrize("gamma", [0.45455, 0.0, 1e-5, 42.0])
def test_what_means_srgb_or_nothing_changes_nothing(tmp_path: Path, photo: np.ndarray, gamma: float):
    read = open_photo(png(tmp_path / "a.png", photo, gamma))
    np.testing.assert_array_equal(read.rgb, photo)
    assert read.notes == ()


@pytest.mark.parametrize(
    "corners", [[0.0] * 8, [0.3127, 0.329, *[0.3, 0.3] * 3], [0.9, 0.05, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06]]
)
def test_primaries_that_are_no_colour_space_change_nothing(tmp_path: Path, photo: np.ndarray, corners: list[float]):
    np.testing.assert_array_equal(open_photo(png(tmp_path / "a.png", photo, 1.0, corners)).rgb, photo)


def test_the_chunk_srgb_goes_before_the_others(tmp_path: Path, photo: np.ndarray):
    np.testing.assert_array_equal(open_photo(png(tmp_path / "a.png", photo, 1.0, srgb=True)).rgb, photo)
