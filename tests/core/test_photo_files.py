"""One list of what is read, one walk, and nothing passed over in silence."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.core import photo_files
from zoo.core.photo_files import find_photos, formats, is_photo, not_taken_remark, suffixes


@pytest.fixture
def album(tmp_path: Path, photo_paths: list[Path]) -> Path:
    root = tmp_path / "album"
    for name in ("b.jpg", "deep/er/a.JPG", "a.jpg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photo_paths[0], root / name)
    return root


def names(root: Path) -> list[str]:
    return [photo.relative_to(root).as_posix() for photo in find_photos(root).photos]


def test_every_suffix_that_is_listed_can_be_read(tmp_path: Path, photos: list[np.ndarray]):
    from zoo.core.photo import read_photo

    written = Image.registered_extensions()
    Image.init()
    tried = 0
    for suffix in sorted(suffixes()):
        if written[suffix] not in Image.SAVE:
            continue
        file = tmp_path / f"photo{suffix}"
        picture = Image.fromarray(photos[0][:64, :48])
        try:
            picture.save(file)
        except (OSError, ValueError):
            picture.convert("F" if suffix == ".pfm" else "L").point(lambda level: level / 255).save(file)
        assert read_photo(file).shape == (64, 48, 3), suffix
        tried += 1
    assert tried > 15


@pytest.mark.parametrize("suffix", [".gif", ".jfif", ".jpe", ".bmp", ".avif", ".jp2", ".jpg", ".png", ".webp", ".tif"])
def test_what_pillow_opens_is_taken_from_folders_in_any_case(tmp_path: Path, suffix: str):
    for name in (f"a{suffix}", f"b{suffix.upper()}"):
        (tmp_path / name).touch()
    assert names(tmp_path) == [f"a{suffix}", f"b{suffix.upper()}"]


def test_formats_that_start_programs_or_are_no_photos_are_not_listed():
    assert not {"EPS", "PDF", "MPEG", "HDF5", "WMF"} & set(formats())
    assert not {".eps", ".pdf", ".mpg", ".h5"} & suffixes()


def test_photos_come_in_the_order_of_names_files_before_folders(album: Path):
    (album / "Z.png").touch()
    assert names(album) == ["Z.png", "a.jpg", "b.jpg", "deep/er/a.JPG"]


def test_what_is_not_taken_is_counted_by_suffix(album: Path):
    for name in ("a.svg", "deep/b.SVG", "c.cr2", "d.psd", "notes.txt", "Thumbs.db", "film.mp4"):
        (album / name).touch()
    found = find_photos(album)
    assert found.remarks == ("4 files were not taken: .cr2 1, .psd 1, .svg 2.",)
    assert len(found.photos) == 3


def test_a_decoder_that_is_missing_moves_its_suffix_to_the_count(album: Path, monkeypatch: pytest.MonkeyPatch):
    (album / "phone.heic").touch()
    monkeypatch.setattr(photo_files, "formats", lambda: ("JPEG",))
    photo_files.suffixes.cache_clear()
    try:
        assert find_photos(album).remarks == ("1 file was not taken: .heic 1.",)
    finally:
        photo_files.suffixes.cache_clear()


def test_nothing_left_out_is_no_remark(album: Path):
    assert find_photos(album).remarks == ()
    assert not_taken_remark(find_photos(album).not_taken) == ""


def test_hidden_files_and_the_folders_of_systems_are_left_out(album: Path):
    for name in (".hidden.jpg", "._a.jpg", ".git/x.jpg", "__MACOSX/a.jpg", "deep/@eaDir/a.jpg", "$RECYCLE.BIN/a.jpg"):
        (album / name).parent.mkdir(parents=True, exist_ok=True)
        (album / name).touch()
    found = find_photos(album)
    assert len(found.photos) == 3
    assert found.remarks == ()


def test_a_symlinked_folder_is_walked_once(album: Path, tmp_path: Path):
    shutil.copytree(album, tmp_path / "elsewhere")
    (album / "link").symlink_to(tmp_path / "elsewhere")
    (album / "link2").symlink_to(tmp_path / "elsewhere")
    assert names(album) == [
        "a.jpg", "b.jpg", "deep/er/a.JPG", "link/a.jpg", "link/b.jpg", "link/deep/er/a.JPG",
    ]  # fmt: skip


def test_a_link_does_not_take_the_place_of_the_folder_it_points_to(album: Path):
    (album / "again").symlink_to(album / "deep")  # sorts before it
    assert names(album) == ["a.jpg", "b.jpg", "deep/er/a.JPG"]


def test_a_link_into_a_hidden_folder_is_walked(album: Path):
    (album / ".store").mkdir()
    (album / "deep").rename(album / ".store" / "deep")
    (album / "seen").symlink_to(".store/deep")
    assert names(album) == ["a.jpg", "b.jpg", "seen/er/a.JPG"]


@pytest.mark.parametrize("target", [".", "..", "deep", "deep/er/up"])
def test_circles_of_links_come_to_an_end(album: Path, target: str):
    (album / "deep" / "er" / "up").symlink_to(album if target == "." else album / target)
    assert sorted(names(album))[:3] == ["a.jpg", "b.jpg", "deep/er/a.JPG"]
    assert len(names(album)) == 3


def test_dangling_links_are_kept_to_be_reported_and_pipes_are_counted(album: Path):
    (album / "gone.jpg").symlink_to(album / "nowhere")
    (album / "self.jpg").symlink_to(album / "self.jpg")
    os.mkfifo(album / "pipe.jpg")
    found = find_photos(album)
    assert [photo.name for photo in found.photos] == ["a.jpg", "b.jpg", "gone.jpg", "self.jpg", "a.JPG"]
    assert found.remarks == ("1 file was not taken: .jpg 1.",)


def test_a_folder_that_cannot_be_listed_is_named(album: Path, monkeypatch: pytest.MonkeyPatch):
    listed = os.scandir

    def refuse(path):
        if Path(path).name == "er":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = find_photos(album)
    assert len(found.photos) == 2
    assert found.remarks == (f"{album / 'deep' / 'er'} cannot be listed (Permission denied); check its permissions.",)


def test_results_can_be_left_out(album: Path):
    (album / "a.colorized.png").touch()
    found = find_photos(album, leave_out=lambda name: ".colorized." in name)
    assert len(found.photos) == 3
    assert found.remarks == ()


@pytest.mark.skipif(sys.platform == "win32", reason="such names cannot be made there")
def test_long_names_and_names_that_are_no_utf8_are_found(tmp_path: Path):
    (tmp_path / ("x" * 246 + ".jpg")).touch()
    odd = os.path.join(os.fsencode(tmp_path), b"caf\xe9.png")
    try:
        open(odd, "w").close()
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    assert len(find_photos(tmp_path).photos) == 2


def test_hidden_and_other_files_are_no_photos():
    assert is_photo("a/b.JPEG")
    assert not is_photo(".b.jpeg")
    assert not is_photo("b.jpeg.txt")
