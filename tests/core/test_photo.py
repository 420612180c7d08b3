from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from zoo.core.errors import BadInput
from zoo.core.photo import open_photo, photo_size, read_photo
from zoo.core.photo_files import PIXEL_LIMIT


@pytest.fixture
def photo(photos: list[np.ndarray]) -> np.ndarray:
    return photos[0][:200, :120]  # not square, so that a wrong turn shows


def saved(path: Path, image: Image.Image, **options) -> Path:
    image.save(path, **options)
    return path


def test_a_jpeg_reads_as_pillow_reads_it(photo_paths: list[Path]):
    read = read_photo(photo_paths[0])
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, np.asarray(Image.open(photo_paths[0]).convert("RGB")))


@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "bmp"])
def test_lossless_formats_come_back_unchanged(tmp_path: Path, photo: np.ndarray, suffix: str):
    path = saved(
        tmp_path / f"photo.{suffix}",
        Image.fromarray(photo),
        **({"lossless": True} if suffix == "webp" else {}),
    )
    np.testing.assert_array_equal(read_photo(path), photo)


# What a camera held that way stores: tag value → how the stored picture is turned upright again.
UPRIGHT = {
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].transpose(1, 0, 2),
    8: lambda stored: np.rot90(stored, 1),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
def test_exif_orientation_is_applied(tmp_path: Path, photo: np.ndarray, orientation: int, suffix: str):
    image = Image.fromarray(photo)
    exif = image.getexif()
    exif[0x0112] = orientation
    options = {"lossless": True} if suffix == "webp" else {}
    path = saved(tmp_path / f"turned.{suffix}", image, exif=exif, **options)
    np.testing.assert_array_equal(read_photo(path), UPRIGHT[orientation](photo))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_grey_is_scaled_to_8_bit_and_rounded(tmp_path: Path, suffix: str):
    samples = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    path = saved(tmp_path / f"deep.{suffix}", Image.fromarray(samples))
    expected = np.round(samples.astype(np.float64) * 255 / 65535)
    read = read_photo(path)
    assert read.shape == (64, 64, 3)
    np.testing.assert_array_equal(read, np.repeat(expected[..., None], 3, 2).astype(np.uint8))


def test_16_bit_rgb_is_right_to_one_level(tmp_path: Path, photo: np.ndarray):
    rng = np.random.default_rng(0)
    samples = photo.astype(np.uint16) * 256 + rng.integers(0, 256, photo.shape, dtype=np.uint16)
    tifffile.imwrite(tmp_path / "deep.tif", samples, photometric="rgb")
    expected = samples.astype(np.float64) * 255 / 65535
    assert np.abs(read_photo(tmp_path / "deep.tif") - expected).max() <= 1


def test_float_tiff_in_the_unit_range_is_read_and_any_other_refused(tmp_path: Path):
    ramp = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)
    tifffile.imwrite(tmp_path / "unit.tif", ramp)
    np.testing.assert_array_equal(read_photo(tmp_path / "unit.tif")[..., 0].ravel(), np.arange(256))
    tifffile.imwrite(tmp_path / "metres.tif", ramp * 1000)
    with pytest.raises(BadInput, match=r"metres\.tif.*32-bit samples outside"):
        read_photo(tmp_path / "metres.tif")


def test_cmyk_jpeg_has_the_photos_colours(tmp_path: Path, photo: np.ndarray):
    path = saved(tmp_path / "print.jpg", Image.fromarray(photo).convert("CMYK"), quality=100, subsampling=0)
    assert np.abs(read_photo(path).astype(int) - photo).mean() < 2


def test_palette_has_the_palettes_colours(tmp_path: Path, photo: np.ndarray):
    reduced = Image.fromarray(photo).quantize(64)
    path = saved(tmp_path / "palette.png", reduced)
    np.testing.assert_array_equal(read_photo(path), np.asarray(reduced.convert("RGB")))


def test_a_transparent_palette_colour_becomes_white(tmp_path: Path):
    image = Image.new("P", (32, 32), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.paste(0, (0, 0, 16, 32))
    read = read_photo(saved(tmp_path / "cut_out.png", image, transparency=0))
    assert (read[:, :16] == 255).all()
    assert (read[:, 16:] == (0, 0, 255)).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_composited_over_white(tmp_path: Path, photo: np.ndarray, mode: str):
    image = Image.fromarray(photo).convert(mode)
    alpha = np.tile(np.linspace(0, 255, photo.shape[1]).astype(np.uint8), (photo.shape[0], 1))
    image.putalpha(Image.fromarray(alpha))
    read = read_photo(saved(tmp_path / "veil.png", image))
    opaque = np.asarray(image.convert("RGBA"))[..., :3].astype(np.float64)
    share = alpha[..., None] / 255
    assert np.abs(read - (opaque * share + 255 * (1 - share))).max() <= 1


def test_grey_and_bilevel_become_three_equal_channels(tmp_path: Path, photo: np.ndarray):
    grey = Image.fromarray(photo).convert("L")
    read = read_photo(saved(tmp_path / "grey.png", grey))
    np.testing.assert_array_equal(read, np.repeat(np.asarray(grey)[..., None], 3, 2))
    bilevel = read_photo(saved(tmp_path / "bilevel.png", grey.convert("1")))
    assert set(np.unique(bilevel)) == {0, 255}


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_a_truncated_file_is_refused_by_name(tmp_path: Path, photo: np.ndarray, suffix: str):
    path = saved(tmp_path / f"cut.{suffix}", Image.fromarray(photo))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(BadInput, match=rf"cut\.{suffix}: cannot be read as a photo"):
        read_photo(path)


def test_text_named_png_an_empty_and_a_missing_file_are_refused(tmp_path: Path):
    (tmp_path / "notes.png").write_text("not a picture")
    (tmp_path / "empty.jpg").touch()
    for name in ("notes.png", "empty.jpg"):
        with pytest.raises(BadInput, match=f"{name}.*not an image in a known format"):
            read_photo(tmp_path / name)
    with pytest.raises(BadInput, match="no such file"):
        read_photo(tmp_path / "missing.png")


def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path):
    side = int(PIXEL_LIMIT**0.5) + 100
    path = saved(tmp_path / "bomb.png", Image.new("1", (side, side)))
    assert path.stat().st_size < 100_000
    with pytest.raises(BadInput, match=r"bomb\.png.*megapixels.*--max-megapixels"):
        read_photo(path)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_flipped_bytes_give_a_photo_or_bad_input_and_nothing_else(tmp_path: Path, photo: np.ndarray):
    rng = np.random.default_rng(1)
    for suffix in ("jpg", "png", "tif", "webp"):
        path = saved(tmp_path / f"damaged.{suffix}", Image.fromarray(photo[:48, :48]))
        whole = np.frombuffer(path.read_bytes(), np.uint8)
        for _ in range(60):
            damaged = whole.copy()
            damaged[rng.integers(0, min(len(whole), 400), 4)] = rng.integers(0, 256, 4)
            path.write_bytes(damaged.tobytes())
            try:
                read = read_photo(path)
            except BadInput:
                continue
            assert read.dtype == np.uint8
            assert read.shape[2] == 3


@pytest.mark.parametrize(
    ("suffix", "options", "what"),
    [
        ("tif", {}, "pages"),
        ("gif", {}, "frames"),
        ("png", {}, "frames"),
        ("webp", {"lossless": True}, "frames"),
        ("avif", {}, "frames"),
        ("mpo", {"quality": 95}, "pictures"),
    ],
)
def test_a_file_of_several_pictures_is_said_to_be_cut(
    tmp_path: Path, photos: list[np.ndarray], suffix: str, options: dict, what: str
):
    first, *others = [Image.fromarray(photo) for photo in photos[:3]]
    file = saved(tmp_path / f"many.{suffix}", first, save_all=True, append_images=others, **options)
    read = open_photo(file)
    assert read.notes == (f"holds 3 {what}, only the first is taken",)
    alone = saved(tmp_path / f"one.{'jpg' if suffix == 'mpo' else suffix}", first, **options)
    assert np.abs(read.rgb.astype(int) - read_photo(alone)).mean() < 3
    assert open_photo(alone).notes == ()


def test_thumbnails_in_a_tiff_are_no_pages(tmp_path: Path, photo: np.ndarray):
    with tifffile.TiffWriter(tmp_path / "scan.tif") as file:
        file.write(photo, photometric="rgb")
        file.write(photo[::8, ::8], photometric="rgb", subfiletype=1)
        file.write(photo[::16, ::16], photometric="rgb", subfiletype=1)
    assert open_photo(tmp_path / "scan.tif").notes == ()


def test_a_damaged_second_page_does_not_cost_the_first(tmp_path: Path, photos: list[np.ndarray]):
    images = [Image.fromarray(photo[:64, :64]) for photo in photos[:2]]
    file = saved(tmp_path / "scan.tif", images[0], save_all=True, append_images=images[1:])
    with tifffile.TiffFile(file) as opened:
        second = opened.pages[1].offset
    content = bytearray(file.read_bytes())
    content[second : second + 2] = b"\xff\xff"
    file.write_bytes(content[: second + 40])
    read = open_photo(file)
    np.testing.assert_array_equal(read.rgb, photos[0][:64, :64])
    assert len(read.notes) <= 1


def test_bytes_are_read_like_the_file_and_named_as_asked(tmp_path: Path, photo: np.ndarray):
    file = saved(tmp_path / "a.png", Image.fromarray(photo))
    np.testing.assert_array_equal(read_photo(file.read_bytes()), photo)
    with pytest.raises(BadInput, match="standard input: cannot be read as a photo"):
        read_photo(b"no photo", name="standard input")


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_the_size_in_the_header_is_the_size_that_is_read(
    tmp_path: Path, photo: np.ndarray, orientation: int, suffix: str
):
    image = Image.fromarray(photo)
    exif = image.getexif()
    exif[0x0112] = orientation
    file = saved(tmp_path / f"turned.{suffix}", image, exif=exif)
    assert photo_size(file) == read_photo(file).shape[1::-1]


def test_heic_is_read_where_its_extra_is_installed(tmp_path: Path, photo: np.ndarray):
    heif = pytest.importorskip("pillow_heif")
    heif.from_pillow(Image.fromarray(photo)).save(tmp_path / "phone.heic", quality=-1)
    assert np.abs(read_photo(tmp_path / "phone.heic").astype(int) - photo).mean() < 2


def test_an_unreadable_file_says_why(tmp_path: Path):
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(BadInput, match=r"folder\.png: cannot be read as a photo \(Is a directory\)"):
        read_photo(tmp_path / "folder.png")


def test_nothing_of_a_photos_transparency_is_lost(tmp_path: Path, photo: np.ndarray):
    image = Image.fromarray(photo).convert("RGBA")
    image.putalpha(Image.fromarray(photo[..., 1]))
    opened = open_photo(saved(tmp_path / "veil.png", image)).image
    np.testing.assert_array_equal(np.asarray(opened), np.asarray(image))
