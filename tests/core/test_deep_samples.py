"""More than 8 bits a sample: what is white, by the file's tags, against numpy in float64."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from zoo.core.errors import BadInput
from zoo.core.photo import open_photo, photo_size, read_photo


@pytest.fixture
def photo(photos: list[np.ndarray]) -> np.ndarray:
    return photos[0][:120, :90]


@pytest.fixture
def grey(photo: np.ndarray) -> np.ndarray:
    """A photo's green in [0, 1], black and white included."""
    green = photo[..., 1].astype(np.float64)
    return (green - green.min()) / np.ptp(green)


def in_8_bits(unit: np.ndarray) -> np.ndarray:
    return np.round(unit * 255)


def stored(unit: np.ndarray, white: int, dtype=np.uint16) -> np.ndarray:
    return np.round(unit * white).astype(dtype)


def tag(number: int, value, code: str = "H") -> dict:
    return {"extratags": [(number, code, 1, value, True)]}


def worst(file: Path, expected: np.ndarray) -> float:
    if expected.ndim == 2:
        expected = expected[..., None]
    return np.abs(read_photo(file).astype(float) - expected).max()


@pytest.mark.parametrize("bits", [10, 12, 14, 15])
def test_the_tag_max_sample_value_says_how_many_bits_are_used(tmp_path: Path, grey: np.ndarray, bits: int):
    white = 2**bits - 1
    tifffile.imwrite(tmp_path / "x.tif", stored(grey, white), **tag(281, white))
    assert worst(tmp_path / "x.tif", in_8_bits(stored(grey, white) / white)) <= 0.51
    assert open_photo(tmp_path / "x.tif").notes == (f"read as {bits} bits, as its tag MaxSampleValue says",)


def test_the_tag_is_believed_where_the_samples_would_be_guessed_otherwise(tmp_path: Path, grey: np.ndarray):
    tifffile.imwrite(tmp_path / "dark.tif", stored(grey, 4095), **tag(281, 65535))
    assert read_photo(tmp_path / "dark.tif").max() == 16
    assert open_photo(tmp_path / "dark.tif").notes == ()


def test_a_tag_that_is_a_statistic_says_nothing_of_white(tmp_path: Path, grey: np.ndarray):
    """TIFF 6.0: MaxSampleValue is the maximum that is used, and must not change how a picture looks."""
    tifffile.imwrite(tmp_path / "x.tif", stored(grey, 40000), **tag(281, 40000))
    assert worst(tmp_path / "x.tif", in_8_bits(grey * 40000 / 65535)) <= 0.51


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("colours", [1, 3])
def test_twelve_bits_in_sixteen_without_a_tag_are_seen_and_said(
    tmp_path: Path, photo: np.ndarray, grey: np.ndarray, compression: str | None, colours: int
):
    unit = grey if colours == 1 else photo / 255
    options = {"photometric": "rgb"} if colours == 3 else {}
    tifffile.imwrite(tmp_path / "x.tif", stored(unit, 4095), compression=compression, **options)
    assert worst(tmp_path / "x.tif", in_8_bits(unit)) <= 0.51
    assert open_photo(tmp_path / "x.tif").notes == ("read as 12 bits, since no sample is above 4095",)


def test_packed_twelve_bits_are_read_by_their_tag(tmp_path: Path, grey: np.ndarray):
    """BitsPerSample 12: two samples in three bytes, written by hand."""
    samples = stored(grey[:, :90], 4095).astype(np.uint32)
    pairs = samples.reshape(len(samples), -1, 2)
    first, second = pairs[..., 0], pairs[..., 1]
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=-1).astype(np.uint8)
    import struct

    entries = [
        (256, 3, 1, 90), (257, 3, 1, 120), (258, 3, 1, 12), (259, 3, 1, 1), (262, 3, 1, 1),
        (273, 4, 1, 8), (277, 3, 1, 1), (278, 3, 1, 120), (279, 4, 1, packed.size),
    ]  # fmt: skip
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    content = b"II*\0" + struct.pack("<I", 8 + packed.size) + packed.tobytes() + directory + b"\0" * 4
    (tmp_path / "x.tif").write_bytes(content)
    assert worst(tmp_path / "x.tif", in_8_bits(grey)) <= 0.51


@pytest.mark.parametrize("white", [1.0, 255.0])
@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_to_1_and_to_255_are_read(
    tmp_path: Path, photo: np.ndarray, grey: np.ndarray, white: float, colours: int, dtype
):
    unit = grey if colours == 1 else photo / 255
    options = {"photometric": "rgb"} if colours == 3 else {}
    tifffile.imwrite(tmp_path / "x.tif", (unit * white).astype(dtype), **options)
    assert worst(tmp_path / "x.tif", in_8_bits(unit)) <= (1 if dtype is np.float16 else 0.51)
    said = open_photo(tmp_path / "x.tif").notes
    assert said == ((), ("read as floats 0…255, since samples are above 1 and none is above 255",))[white > 1]


def test_floats_a_little_beyond_the_ends_are_cut(tmp_path: Path, grey: np.ndarray):
    """Resampling by Lanczos overshoots."""
    tifffile.imwrite(tmp_path / "x.tif", (grey * 1.06 - 0.03).astype(np.float32))
    assert worst(tmp_path / "x.tif", np.clip(in_8_bits(grey * 1.06 - 0.03), 0, 255)) <= 0.51


@pytest.mark.parametrize("samples", [-50.0, 1000.0, np.nan, np.inf])
def test_floats_whose_white_cannot_be_known_are_refused(tmp_path: Path, grey: np.ndarray, samples: float):
    spoilt = grey.astype(np.float32).copy()
    spoilt[5, 5] = samples
    tifffile.imwrite(tmp_path / "metres.tif", spoilt)
    with pytest.raises(BadInput, match=r"metres\.tif.*32-bit samples outside"):
        read_photo(tmp_path / "metres.tif")


@pytest.mark.parametrize(("dtype", "white"), [
    (np.uint16, 65535), (np.int16, 32767), (np.uint32, 2**32 - 1), (np.int32, 2**31 - 1), (np.uint32, 65535),
    (np.uint16, 255), (np.uint32, 255),
])  # fmt: skip
def test_integers_of_every_width_are_scaled_to_their_white(tmp_path: Path, grey: np.ndarray, dtype, white: int):
    tifffile.imwrite(tmp_path / "x.tif", stored(grey, white, dtype))
    assert worst(tmp_path / "x.tif", in_8_bits(grey)) <= 0.51


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("layout", ["contig", "separate", "tiled", "zlib", "zlib tiled", "alpha", "zlib alpha"])
def test_sixteen_bit_colours_are_exact_however_they_are_laid_out(
    tmp_path: Path, photo: np.ndarray, layout: str, byteorder: str
):
    rng = np.random.default_rng(0)
    unit = (photo * 257.0 + rng.integers(-100, 100, photo.shape)).clip(0, 65535) / 65535
    samples = stored(unit, 65535)
    options: dict = {"photometric": "rgb", "byteorder": byteorder}
    if "alpha" in layout:
        opaque = np.full((*samples.shape[:2], 1), 65535, np.uint16)
        samples, options["extrasamples"] = np.concatenate([samples, opaque], axis=2), ["unassalpha"]
    if layout == "separate":
        samples, options["planarconfig"] = samples.transpose(2, 0, 1), "separate"
    if "tiled" in layout:
        options["tile"] = (32, 32)
    if "zlib" in layout:
        options |= {"compression": "zlib", "predictor": True}
    tifffile.imwrite(tmp_path / "x.tif", samples, **options)
    assert worst(tmp_path / "x.tif", in_8_bits(unit)) <= 0.51


def test_white_is_zero_is_turned_round_at_every_depth(tmp_path: Path, grey: np.ndarray):
    for dtype, white in ((np.uint8, 255), (np.uint16, 65535), (np.float32, 1)):
        samples = ((1 - grey) * white).astype(dtype) if dtype == np.float32 else stored(1 - grey, white, dtype)
        tifffile.imwrite(tmp_path / "x.tif", samples, photometric="miniswhite")
        assert worst(tmp_path / "x.tif", in_8_bits(grey)) <= 1, dtype


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_deep_colours_are_turned_upright(tmp_path: Path, photo: np.ndarray, orientation: int):
    upright = {1: photo, 3: photo[::-1, ::-1], 6: np.rot90(photo, -1), 8: np.rot90(photo, 1)}[orientation]
    for name, options in (("plain", {}), ("packed", {"compression": "zlib"})):
        file = tmp_path / f"{name}.tif"
        tifffile.imwrite(file, photo.astype(np.uint16) * 257, photometric="rgb", **options, **tag(274, orientation))
        np.testing.assert_array_equal(read_photo(file), upright)
        assert photo_size(file) == upright.shape[1::-1]


def test_a_dark_png_is_dark(tmp_path: Path, grey: np.ndarray):
    """PNG scales every depth to all 16 bits by definition: there is nothing to guess."""
    Image.fromarray(stored(grey, 4095)).save(tmp_path / "x.png")
    assert worst(tmp_path / "x.png", in_8_bits(grey * 4095 / 65535)) <= 0.51
    assert open_photo(tmp_path / "x.png").notes == ()


@pytest.mark.parametrize("white", [1023, 4095, 65535])
def test_a_pgm_says_its_white_itself(tmp_path: Path, grey: np.ndarray, white: int):
    header = f"P5 {grey.shape[1]} {grey.shape[0]} {white}\n".encode()
    (tmp_path / "x.pgm").write_bytes(header + stored(grey, white).astype(">u2").tobytes())
    assert worst(tmp_path / "x.pgm", in_8_bits(stored(grey, white) / white)) <= 1  # Pillow goes by way of 16 bits


def test_a_black_picture_is_black(tmp_path: Path):
    for dtype in (np.uint16, np.int16, np.uint32, np.float32):
        tifffile.imwrite(tmp_path / "x.tif", np.zeros((20, 30), dtype))
        assert read_photo(tmp_path / "x.tif").max() == 0
        assert open_photo(tmp_path / "x.tif").notes == ()


def test_compressed_floats_of_colour_are_one_sentence(tmp_path: Path, photo: np.ndarray):
    tifffile.imwrite(tmp_path / "x.tif", (photo / 255).astype(np.float32), photometric="rgb", compression="zlib")
    with pytest.raises(BadInput, match=r"x\.tif.*compressed"):
        read_photo(tmp_path / "x.tif")
