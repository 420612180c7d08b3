"""Banks in the cache: verified when opened, built again when damaged, shared between users."""

from __future__ import annotations

import errno
import multiprocessing
import os
import stat
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.core.errors import BadInput, Changed
from zoo.core.photo_files import LIMIT_VARIABLE
from zoo.harness.data import bank as bank_module
from zoo.harness.data import build, decoding, fit
from zoo.harness.data.bank import PhotoBank
from zoo.harness.data.build import build_bank
from zoo.harness.data.check import inspect
from zoo.harness.data.folder import Folder


def everything(folder: Path) -> PhotoBank:
    return build_bank(Folder("all", argument=folder), side=32)


@pytest.fixture(autouse=True)
def nothing_remarked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "_remarks", {})


def test_the_bytes_of_a_bank_reach_the_disk_before_its_name_does(folder, cache, monkeypatch):
    done = []
    sync, rename = os.fsync, os.rename
    monkeypatch.setattr(os, "fsync", lambda opened: (done.append(os.fstat(opened).st_ino), sync(opened)))
    monkeypatch.setattr(os, "rename", lambda old, new: (done.append("rename"), rename(old, new)))
    everything(folder)
    (place,) = (cache / "banks").iterdir()
    assert {file.stat().st_ino for file in place.iterdir()} <= {*done[: done.index("rename")]}


@pytest.fixture
def place(folder: Path, cache: Path) -> Path:
    """The folder of a bank in the cache."""
    everything(folder)
    (place,) = (cache / "banks").iterdir()
    return place


def alter_a_pixel(file: Path) -> None:
    status = file.stat()
    with file.open("r+b") as opened:
        opened.seek(5000)
        byte = opened.read(1)[0]
        opened.seek(5000)
        opened.write(bytes([byte ^ 255]))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))  # as if nothing had been


@pytest.mark.parametrize("damage", [
    lambda place: (place / "pixels.npy").write_bytes(b""),
    lambda place: (place / "pixels.npy").write_bytes((place / "pixels.npy").read_bytes()[:5000]),
    lambda place: (place / "pixels.npy").write_bytes((place / "pixels.npy").read_bytes()[:128]),
    lambda place: (place / "pixels.npy").write_bytes(b"\0" * 30_000),
    lambda place: np.save(place / "pixels.npy", np.zeros((8, 3, 32, 32), np.float32)),
    lambda place: np.save(place / "pixels.npy", np.zeros((0, 3, 32, 32), np.uint8)),
    lambda place: (place / "pixels.npy").unlink(),
    lambda place: alter_a_pixel(place / "pixels.npy"),
    lambda place: (place / "facts.json").write_bytes(b""),
    lambda place: (place / "facts.json").write_text("null"),
    lambda place: (place / "facts.json").write_text((place / "facts.json").read_text().replace("0.png", "9.png")),
    lambda place: (place / "facts.json").write_text(
        (place / "facts.json").read_text().replace('"monochrome":[]', '"monochrome":[3]')
    ),
    lambda place: [file.unlink() for file in place.iterdir()],
], ids=["empty", "cut", "header alone", "zeros", "floats", "no photo", "no pixels", "a pixel", "no facts", "null",
        "a name", "monochrome", "empty folder"])  # fmt: skip
def test_a_damaged_or_altered_bank_is_built_again(folder: Path, place: Path, damage):
    before = np.array(everything(folder).pixels)
    damage(place)
    after = everything(folder)
    np.testing.assert_array_equal(after.pixels, before)
    assert after.names == tuple(f"{i}.png" for i in range(8))
    assert after.monochrome == ()


def test_an_empty_photo_folders_bank_is_no_abort(folder: Path, place: Path):
    """np.load raises EOFError there, which click takes for the end of its input."""
    (place / "pixels.npy").write_bytes(b"")
    assert bank_module.open_bank(place) is None


def test_pixels_are_hashed_once_a_process_and_again_when_the_file_changed(
    folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch
):
    read: list[Path] = []
    whole = bank_module._hash
    monkeypatch.setattr(bank_module, "_hash", lambda pixels, facts: read.append(place) or whole(pixels, facts))
    everything(folder)
    assert read == []
    os.utime(place / "pixels.npy")
    everything(folder)
    assert read == [place]


def _build_for_ever(folder: Path) -> None:
    fit.fit_photo = lambda *_: time.sleep(600)  # type: ignore[assignment]
    everything(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_what_a_killed_build_left_is_removed_and_a_living_one_is_not(folder: Path, cache: Path):
    process = multiprocessing.get_context("fork").Process(target=_build_for_ever, args=(folder,), daemon=True)
    process.start()
    while not list((cache / "banks").glob(".building-*/pixels.npy")):
        time.sleep(0.02)
    everything(folder)
    assert len(list((cache / "banks").glob(".building-*"))) == 2  # the folder and its lock
    process.kill()
    process.join()
    build_bank(Folder("all", argument=folder), side=16)
    assert list((cache / "banks").glob(".building-*")) == []


@pytest.mark.skipif(sys.platform == "win32", reason="there is no flock")
def test_a_cache_on_a_file_system_without_locks(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch):
    import fcntl

    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    (cache / "banks" / ".building-0123456789ab").mkdir(parents=True)  # of a killed one
    assert len(everything(folder).names) == 8
    assert [path.name[0] != "." for path in (cache / "banks").iterdir()] == [True]


def test_a_full_disk_leaves_nothing_behind(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(decoding, "write_bank", full)
    with pytest.raises(BadInput, match=r"No space left on device.*ZOO_CACHE"):
        everything(folder)
    assert list((cache / "banks").iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="has no umask")
@pytest.mark.parametrize("mask", [0o022, 0o002, 0o077])
def test_the_cache_has_the_permissions_that_the_umask_grants(folder: Path, cache: Path, mask: int):
    before = os.umask(mask)
    try:
        everything(folder)
    finally:
        os.umask(before)
    for path in (cache, *cache.rglob("*")):
        expected = (0o777 if path.is_dir() else 0o666) & ~mask
        assert stat.S_IMODE(path.stat().st_mode) == expected, path


def test_an_unreadable_bank_is_named_and_built_anew_beside_it(
    folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch
):
    expected = np.array(everything(folder).pixels)
    load = np.load

    def refuse(file, **options):
        if Path(file).parent == place:
            raise PermissionError(13, "Permission denied", str(file))
        return load(file, **options)

    monkeypatch.setattr(np, "load", refuse)
    for _ in range(2):
        np.testing.assert_array_equal(everything(folder).pixels, expected)
    others = [other for other in place.parent.iterdir() if other != place]
    assert len(others) == 1
    assert any(str(place) in sentence and str(others[0]) in sentence for sentence in build.remarks())


def test_a_cache_that_may_only_be_read_is_read_and_what_is_missing_is_built_elsewhere(
    folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    allowed = os.access
    theirs = place.parent.parent
    monkeypatch.setattr(os, "access", lambda path, mode: not Path(path).is_relative_to(theirs) and allowed(path, mode))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "own"))
    assert Path(everything(folder).pixels.filename).parent == place
    build_bank(Folder("all", argument=folder), side=16)
    assert [file.name for file in place.parent.iterdir()] == [place.name]
    assert len(list((tmp_path / "own").glob("*/banks/*/pixels.npy"))) == 1
    assert any("cannot be used" in sentence and str(theirs) in sentence for sentence in build.remarks())


def test_a_photo_that_is_replaced_or_removed_between_the_look_and_the_decoding_is_refused(folder: Path, cache: Path):
    dataset = Folder("all", argument=folder)
    Image.open(folder / "1.png").save(folder / "0.png")
    with pytest.raises(Changed, match=r"0\.png was replaced"):
        build_bank(dataset, side=32)
    (folder / "0.png").unlink()
    with pytest.raises(Changed, match=r"0\.png was removed"):
        build_bank(dataset, side=32)
    assert list((cache / "banks").iterdir()) == []
    assert len(everything(folder)) == 7


def test_a_copy_that_keeps_time_and_size_is_seen(folder: Path):
    before = everything(folder).fingerprint
    file = folder / "0.png"
    status, data = file.stat(), bytearray(file.read_bytes())
    data[-20] ^= 1
    file.write_bytes(data)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert Folder("all", argument=folder).fingerprint() != before
    assert Folder("all", argument=folder)._digests[0] != before


def test_another_pixel_limit_makes_another_bank(folder: Path, monkeypatch: pytest.MonkeyPatch):
    Image.new("RGB", (1200, 1000), "red").save(folder / "large.png")
    monkeypatch.setenv(LIMIT_VARIABLE, "1")
    assert [name for name, _ in everything(folder).skipped] == ["large.png"]
    monkeypatch.setenv(LIMIT_VARIABLE, "2")
    assert everything(folder).skipped == ()


def test_what_was_converted_is_kept_with_the_bank_and_told_once(folder: Path):
    import runpy

    space = runpy.run_path(str(Path(__file__).parents[2] / "core" / "colour_profiles.py"))
    profile = space["rgb_profile"]("Display P3", space["DISPLAY_P3"], None)
    for number in (2, 5):
        Image.open(folder / f"{number}.png").save(folder / f"{number}.png", icc_profile=profile)
    for _ in range(2):
        bank = everything(folder)
        assert bank.remarks == ("2 photos (2.png, 5.png): converted from Display P3 to sRGB by its colour profile.",)
    assert bank.take([2, 3]).remarks == ("2.png: converted from Display P3 to sRGB by its colour profile.",)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="has no owners")
def test_a_folder_that_somebody_else_made_in_its_place_is_not_used(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    cache.mkdir()
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not Path(path).is_relative_to(cache) and allowed(path, mode))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(BadInput, match=r"belongs to another user; set ZOO_CACHE"):
        everything(folder)


def test_what_was_remarked_on_the_cache_is_told(folder: Path):
    assert inspect({"all": Folder("all", argument=folder)}).notes == []
    build.remark("The cache is elsewhere.")
    assert inspect({"all": Folder("all", argument=folder)}).notes == ["The cache is elsewhere."]
