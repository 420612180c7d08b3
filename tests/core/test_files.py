"""A file is there whole or not at all, whatever its name, and says in a sentence why it is not."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from zoo.core.errors import BadInput
from zoo.core.files import make_folder, make_writable_folder, remove_parts, write_whole, writing, writing_folder


def test_text_is_utf8_in_every_locale_and_what_no_encoding_knows_is_spelt_out(tmp_path):
    write_whole(tmp_path / "a.txt", "Çörek 日本\udce9\n")
    assert (tmp_path / "a.txt").read_bytes() == "Çörek 日本\\udce9\n".encode()


def test_a_name_of_255_bytes_can_be_written(tmp_path):
    file = tmp_path / ("n" * 251 + ".png")
    write_whole(file, b"whole")
    assert file.read_bytes() == b"whole"


@pytest.mark.parametrize("mask", [0o022, 0o002, 0o077])
def test_the_umask_decides_who_may_read(tmp_path, mask):
    before = os.umask(mask)
    try:
        write_whole(tmp_path / "shared", b"1")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "shared").stat().st_mode) == 0o666 & ~mask


def test_the_bytes_reach_the_disk_before_the_name_does(tmp_path, monkeypatch):
    done = []
    sync, rename = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (done.append("fsync"), sync(descriptor)))
    monkeypatch.setattr(os, "replace", lambda old, new: (done.append("rename"), rename(old, new)))
    write_whole(tmp_path / "a", b"1")
    assert done == ["fsync", "rename"]


def test_a_file_system_without_fsync_is_written_all_the_same(tmp_path, monkeypatch):
    def unknown(descriptor: int) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "fsync", unknown)
    write_whole(tmp_path / "a", b"1")
    assert (tmp_path / "a").read_bytes() == b"1"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_disk_that_fails_at_the_last_moment_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, number):
    write_whole(tmp_path / "a", b"old")

    def fails(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(BadInput, match=rf"a cannot be written: {os.strerror(number)}; choose another folder\.$"):
        write_whole(tmp_path / "a", b"new")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a", b"old")]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, SystemExit])
def test_whatever_ends_the_writing_removes_what_was_begun(tmp_path, error):
    def begun() -> None:
        with writing(tmp_path / "a") as part:
            part.write_bytes(b"half")
            raise error

    with pytest.raises(error):
        begun()
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_replaced_and_what_it_points_to_is_left_alone(tmp_path):
    (tmp_path / "mine").write_bytes(b"mine")
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "mine").read_bytes() == b"mine"
    assert (tmp_path / "link").read_bytes() == b"new"


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BadInput, match=r"file/below cannot be written: Not a directory; set ZOO_CACHE\.$"):
        make_folder(tmp_path / "file" / "below", "set ZOO_CACHE")
    with pytest.raises(BadInput, match=r"missing/a cannot be written: No such file or directory"):
        write_whole(tmp_path / "missing" / "a", b"")


def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path):
    for name in (".0123456789ab.part", "mine.part", ".hidden", "model.safetensors"):
        (tmp_path / name).write_bytes(b"")
    remove_parts(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"mine.part", ".hidden", "model.safetensors"}


def test_files_are_written_in_one_place_only():
    """Renames into place, and hand-made temporary names, are this module's alone."""
    zoo = Path(__file__).parents[2] / "zoo"
    for path in zoo.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path == zoo / "core" / "files.py":
            continue
        for call in ("os.replace(", "os.renames(", "mkstemp(", "mkdtemp(", "NamedTemporaryFile(", "shutil.move("):
            assert call not in text, (path, call)
        if path != zoo / "harness" / "data" / "build.py":  # several may build one bank
            for call in ("os.rename(", ".rename(", "token_hex("):
                assert call not in text, (path, call)


def fill_and_fail(folder: Path) -> None:
    (folder / "a").write_bytes(b"a")
    raise KeyError("half way")


def test_a_folder_is_there_whole_or_not_at_all(tmp_path):
    with writing_folder(tmp_path / "made") as part:
        (part / "a").write_bytes(b"a")
        assert not (tmp_path / "made").exists()
    assert (tmp_path / "made" / "a").read_bytes() == b"a"
    (tmp_path / "usual").mkdir()
    assert (tmp_path / "made").stat().st_mode == (tmp_path / "usual").stat().st_mode
    with pytest.raises(KeyError, match="half way"), writing_folder(tmp_path / "other") as part:
        fill_and_fail(part)
    with pytest.raises(BadInput, match=r"made cannot be written: "), writing_folder(tmp_path / "made") as part:
        (part / "b").write_bytes(b"b")
    missing = tmp_path / "missing" / "a"
    sentence = r"a cannot be written: No such file or directory; choose\.$"
    with pytest.raises(BadInput, match=sentence), writing_folder(missing, "choose"):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"made", "usual"}
    assert {path.name for path in (tmp_path / "made").iterdir()} == {"a"}


def test_whether_a_folder_can_be_written_is_found_by_writing(tmp_path):
    assert list(make_writable_folder(tmp_path / "new" / "folder").iterdir()) == []
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BadInput, match=r"file cannot be written: File exists"):
        make_writable_folder(tmp_path / "file")
