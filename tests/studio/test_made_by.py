"""A result says what made it, and whether it has been changed since."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.core.origin import Origin
from zoo.studio.formats import FORMATS, encode
from zoo.studio.made_by import is_unchanged, made_by, read_made_by, sealed
from zoo.studio.manner import Manner
from zoo.studio.metadata import read_metadata

ORIGIN = Origin(name="huang2005", identity="abc", weights="0123456789ab")


def write(file: Path, form: str, rgb: np.ndarray, source: bytes = b"") -> None:
    metadata = read_metadata(source)
    metadata.say(made_by(ORIGIN, source, form, Manner(size=512)).line())
    file.write_bytes(sealed(encode(rgb, form, metadata=metadata)))


@pytest.fixture
def rgb() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)


def test_all_that_decides_a_result_is_in_its_identity():
    plain = made_by(ORIGIN, b"photo", "png", Manner(size=512))
    other = Origin(name="huang2005", identity="abd", weights="0123456789ab")
    variants = [
        made_by(other, b"photo", "png", Manner(size=512)),
        made_by(ORIGIN, b"another", "png", Manner(size=512)),
        made_by(ORIGIN, b"photo", "jpg", Manner(size=512)),
        made_by(ORIGIN, b"photo", "png", Manner(size=256)),
        made_by(ORIGIN, b"photo", "png", Manner(size=512), hints=b"hints"),
        made_by(ORIGIN, b"photo", "png", Manner(size=512), hints=b""),
    ]
    assert len({made.identity for made in (plain, *variants)}) == len(variants) + 1
    assert made_by(ORIGIN, b"photo", "png", Manner(size=512)) == plain


def test_the_size_that_a_run_has_of_its_own_is_the_size_that_is_said():
    run = Origin(name="unet", identity="abc", weights="0123456789ab", run=True, works_at=64)
    assert made_by(run, b"photo", "png", Manner()) == made_by(run, b"photo", "png", Manner(size=64))
    assert made_by(ORIGIN, b"photo", "png", Manner()) == made_by(ORIGIN, b"photo", "png", Manner(size=512))
    assert (made_by(run, b"", "png", Manner()).size, made_by(run, b"", "png", Manner(tiles=True)).size) == (64, 512)


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_that_was_written_is_unchanged_wherever_it_lies(tmp_path, rgb, form):
    write(tmp_path / "a", form, rgb)
    moved = tmp_path / "moved"
    (tmp_path / "a").rename(moved)
    said = read_made_by(moved)
    assert said is not None
    assert said.identity == made_by(ORIGIN, b"", form, Manner(size=512)).identity
    assert is_unchanged(moved, said)
    with Image.open(moved) as image:
        image.load()  # a PNG's check sums are whole
        assert image.size == (30, 40)


@pytest.mark.parametrize("form", FORMATS)
def test_a_pixel_or_a_caption_that_was_changed_shows(tmp_path, rgb, form):
    file = tmp_path / "a"
    write(file, form, rgb)
    said = read_made_by(file)
    with Image.open(file) as image:
        exif, retouched = image.getexif(), image.convert("RGB")
        retouched.putpixel((3, 4), (255, 0, 255))
        retouched.save(file, image.format, exif=exif.tobytes())
    changed = read_made_by(file)
    assert changed == said  # an editor that keeps EXIF keeps the line
    assert not is_unchanged(file, changed)
    write(file, form, rgb)
    file.write_bytes(file.read_bytes() + b"appended")
    assert not is_unchanged(file, read_made_by(file))


def test_a_result_of_a_result_says_both_and_the_last_first(tmp_path, rgb):
    write(tmp_path / "a", "png", rgb)
    write(tmp_path / "b", "tiff", rgb, source=(tmp_path / "a").read_bytes())
    said = read_made_by(tmp_path / "b")
    assert said is not None
    assert is_unchanged(tmp_path / "b", said)
    with Image.open(tmp_path / "b") as image:
        assert image.getexif()[0x9213].count("huang2005") == 2


def test_what_is_no_result_says_nothing(tmp_path, rgb):
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG")
    for content in (b"", b"text", buffer.getvalue(), buffer.getvalue()[:200]):
        (tmp_path / "a").write_bytes(content)
        assert read_made_by(tmp_path / "a") is None
    assert read_made_by(tmp_path) is None
    assert read_made_by(tmp_path / "nowhere") is None
