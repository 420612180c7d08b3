"""Pillow's own size limit and warnings, which belong to the process, neither print nor end a reading."""

from __future__ import annotations

import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.core.errors import BadInput
from zoo.core.photo import open_photo, photo_size, read_photo
from zoo.core.photo_files import LIMIT_VARIABLE
from zoo.core.undisturbed import undisturbed


@pytest.fixture
def scan(tmp_path: Path, photos: list[np.ndarray], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A photo that is between once and twice what Pillow calls a bomb."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40_000)
    Image.fromarray(photos[0]).save(tmp_path / "scan.png")
    return tmp_path / "scan.png"


def test_a_large_scan_neither_warns_nor_fails_where_warnings_are_errors(scan: Path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_photo(scan).shape == (256, 256, 3)
        assert photo_size(scan) == (256, 256)
    with pytest.warns(Image.DecompressionBombWarning):
        Image.open(scan)  # what everybody else gets is as it was


def test_odd_metadata_does_not_fail_where_warnings_are_errors(tmp_path: Path, photos: list[np.ndarray]):
    """Each of these makes Pillow warn: damaged EXIF, a palette with transparency in bytes."""
    palette = Image.fromarray(photos[0]).quantize(16)
    palette.save(tmp_path / "palette.png", transparency=bytes([0, 128] + [255] * 14))
    Image.fromarray(photos[0]).save(tmp_path / "exif.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x99" * 60)
    program = f"""
import sys
from zoo.core.photo import read_photo
for file in {[str(tmp_path / name) for name in ("palette.png", "exif.jpg")]}:
    assert read_photo(file).shape == (256, 256, 3)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_many_threads_leave_the_process_as_it_was(scan: Path):
    before = list(warnings.filters)
    with ThreadPoolExecutor(6) as pool:
        assert {read.shape for read in pool.map(lambda _: read_photo(scan), range(40))} == {(256, 256, 3)}
    assert list(warnings.filters) == before
    assert Image.MAX_IMAGE_PIXELS == 40_000


def test_a_reader_within_another_and_one_that_fails_leave_it_too(scan: Path):
    with undisturbed(10**6), pytest.raises(BadInput):
        read_photo(scan.with_name("nowhere.png"))
    assert Image.MAX_IMAGE_PIXELS == 40_000


def test_the_limit_is_an_option(scan: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(LIMIT_VARIABLE, "0.05")
    for read in (open_photo, photo_size):
        with pytest.raises(BadInput, match=rf"256×256 pixels are more than the 0\.05 megapixels.*{LIMIT_VARIABLE}"):
            read(scan)
    monkeypatch.setenv(LIMIT_VARIABLE, "0.07")
    assert read_photo(scan).shape == (256, 256, 3)


@pytest.mark.parametrize("text", ["many", "0", "-3", "nan", "inf"])
def test_a_limit_that_is_no_number_is_one_sentence(scan: Path, monkeypatch: pytest.MonkeyPatch, text: str):
    monkeypatch.setenv(LIMIT_VARIABLE, text)
    with pytest.raises(BadInput, match=LIMIT_VARIABLE):
        read_photo(scan)


def test_a_bomb_is_refused_by_the_same_sentence_however_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(LIMIT_VARIABLE, "0.001")
    Image.new("1", (40, 40)).save(tmp_path / "above.png")
    Image.new("1", (400, 400)).save(tmp_path / "far_above.png")
    for name in ("above", "far_above"):
        with pytest.raises(BadInput, match=rf"{name}\.png.*pixels are more than the 0\.001 megapixels"):
            read_photo(tmp_path / f"{name}.png")
