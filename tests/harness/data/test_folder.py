from __future__ import annotations

import hashlib
import os
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.core.errors import BadInput
from zoo.harness.data import build
from zoo.harness.data.build import content_digests, for_validation, held_out
from zoo.harness.data.folder import Folder


def contents(dataset: Folder) -> set[bytes]:
    return {dataset[i].tobytes() for i in range(len(dataset))}


def test_all_suffixes_in_any_case_are_found_at_any_depth_and_hidden_ones_are_not(
    tmp_path: Path, photos: list[np.ndarray]
):
    image = Image.fromarray(photos[0])
    for name in ("a.JPG", "b/c.jpeg", "b/d/e.Png", "f.webp", "g.tif", "h.TIFF"):
        (tmp_path / "p" / name).parent.mkdir(parents=True, exist_ok=True)
        image.save(tmp_path / "p" / name)
    (tmp_path / "p" / ".git").mkdir()
    for name in (".hidden.png", "._g.png", ".git/x.png"):
        image.save(tmp_path / "p" / name)
    (tmp_path / "p" / "readme.txt").write_text("text")
    dataset = Folder("all", argument=tmp_path / "p")
    assert set(dataset.names) == {"a.JPG", "b/c.jpeg", "b/d/e.Png", "f.webp", "g.tif", "h.TIFF"}


def test_train_and_test_folders_are_the_splits(folder: Path):
    for split in ("train", "test"):
        (folder / split).mkdir()
    for number in range(8):
        shutil.move(folder / f"{number}.png", folder / ("test" if number < 3 else "train"))
    assert Folder("test", argument=folder).names == ["test/0.png", "test/1.png", "test/2.png"]
    train, validation = Folder("train", argument=folder), Folder("validation", argument=folder)
    assert (len(train), len(validation)) == (4, 1), "of five photos to train on one is kept for validation"
    assert sorted([*train.names, *validation.names]) == [f"train/{number}.png" for number in range(3, 8)]
    assert len(Folder("all", argument=folder)) == 8


def test_a_folder_for_validation_is_the_validation_split(folder: Path):
    for split in Folder.splits:
        (folder / split).mkdir()
    for number in range(8):
        shutil.move(folder / f"{number}.png", folder / Folder.splits[min(number // 2, 2)])
    assert Folder("train", argument=folder).names == ["train/0.png", "train/1.png"]
    assert Folder("validation", argument=folder).names == ["validation/2.png", "validation/3.png"]
    assert len(Folder("test", argument=folder)) == 4


def test_photos_to_validate_on_are_never_trained_on_where_the_test_photos_are_elsewhere(folder: Path):
    for split in ("train", "validation"):
        (folder / split).mkdir()
    for number in range(8):
        shutil.move(folder / f"{number}.png", folder / ("train" if number < 6 else "validation"))
    assert len(Folder("train", argument=folder, whole=True)) == 6
    with pytest.raises(BadInput, match="test: holds no photo"):
        Folder("test", argument=folder)


def test_a_tenth_of_the_photos_to_train_on_and_at_most_a_hundred_are_for_validation():
    digests = [hashlib.sha256(str(i).encode()).hexdigest() for i in range(5000)]
    for count, kept in ((3, 0), (4, 1), (19, 1), (40, 4), (999, 99), (5000, 100)):
        assert len(for_validation(digests[:count])) == kept
    assert for_validation(digests + digests[::-1]) == for_validation(digests)
    assert len(for_validation(digests[:1000]) & held_out(digests[:1000])) < 40, (
        "the two hashes know nothing of each other"
    )


def test_the_split_follows_the_content_not_names_order_or_place(folder: Path, tmp_path: Path):
    moved = tmp_path / "moved"
    (moved / "deep").mkdir(parents=True)
    for number in range(8):
        shutil.copy(folder / f"{number}.png", moved / "deep" / f"{97 * (number + 3) % 11}.png")
    before, after = Folder("test", argument=folder), Folder("test", argument=moved)
    assert before.names != after.names
    assert contents(before) == contents(after)
    sides = [contents(Folder(split, argument=folder)) for split in Folder.splits]
    assert len(set().union(*sides)) == sum(map(len, sides)) == 8


def test_a_copy_stays_on_the_side_of_its_original(folder: Path):
    names = Folder("test", argument=folder).names
    for name in names:
        shutil.copy(folder / name, folder / f"zz_{name}")
    assert Folder("test", argument=folder).names == sorted([*names, *(f"zz_{name}" for name in names)])


def test_about_a_fifth_is_test_and_both_sides_of_a_small_set_are_there():
    digests = [hashlib.sha256(str(i).encode()).hexdigest() for i in range(5000)]
    assert 0.18 < len(held_out(digests)) / 5000 < 0.22
    # A photo's side does not depend on the others.
    assert held_out(digests[:2500]) == held_out(digests) & set(digests[:2500])
    for few in (digests[:2], digests[2:4], digests[7:10]):
        assert 1 <= len(held_out(few)) < len(few)


def test_the_fingerprint_changes_with_content_and_name_and_not_with_the_place(folder: Path, tmp_path: Path):
    first = Folder("all", argument=folder).fingerprint()
    shutil.copytree(folder, tmp_path / "copy")
    assert Folder("all", argument=tmp_path / "copy").fingerprint() == first
    (folder / "0.png").rename(folder / "00.png")
    renamed = Folder("all", argument=folder).fingerprint()
    assert renamed != first
    shutil.copy(folder / "1.png", folder / "00.png")
    assert Folder("all", argument=folder).fingerprint() not in (first, renamed)


def test_unchanged_files_are_hashed_once(folder: Path, monkeypatch: pytest.MonkeyPatch):
    files = sorted(folder.glob("*.png"))
    first = content_digests(folder, files)
    read: list[str] = []
    original = build.hashlib.file_digest
    monkeypatch.setattr(
        build.hashlib, "file_digest", lambda stream, name: read.append(stream.name) or original(stream, name)
    )
    assert content_digests(folder, files) == first
    assert read == []
    shutil.copy(files[1], files[0])
    assert content_digests(folder, files)[0] == first[1]
    assert read == [str(files[0])]


def test_class_folders_give_labels_that_agree_between_the_splits(tmp_path: Path, photos: list[np.ndarray]):
    for number, name in enumerate(["train/cat", "train/dog", "train/owl", "test/owl", "test/cat"]):
        (tmp_path / "c" / name).mkdir(parents=True)
        Image.fromarray(photos[number]).save(tmp_path / "c" / name / "x.png")
    assert Folder("train", argument=tmp_path / "c").labels == [0, 1, 2]
    assert Folder("test", argument=tmp_path / "c").labels == [0, 2]


def test_a_flat_folder_has_no_labels(folder: Path):
    assert Folder("all", argument=folder).labels is None


def test_a_damaged_file_is_bad_input_when_it_is_decoded(folder: Path):
    (folder / "3.png").write_text("text")
    (folder / "4.png").unlink()
    os.symlink(folder / "nowhere", folder / "4.png")
    dataset = Folder("all", argument=folder)
    assert len(dataset) == 8
    for name in ("3.png", "4.png"):
        with pytest.raises(BadInput, match=name):
            dataset[dataset.names.index(name)]


def test_each_useless_folder_is_one_clear_sentence(tmp_path: Path, photo_paths: list[Path]):
    def refusal(path: Path | str, split: str = "train") -> str:
        with pytest.raises(BadInput) as caught:
            Folder(split, argument=path)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "no such folder" in refusal(tmp_path / "missing")
    assert "is a file" in refusal(photo_paths[0])
    (tmp_path / "empty").mkdir()
    assert "is empty" in refusal(tmp_path / "empty")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text("text")
    assert "holds no photo" in refusal(tmp_path / "text")
    (tmp_path / "single").mkdir()
    shutil.copy(photo_paths[0], tmp_path / "single")
    assert "too few photos" in refusal(tmp_path / "single", "test")
    assert "folder:PATH" in refusal("")
    assert "split 'val'" in refusal(tmp_path / "single", "val")


def test_names_that_are_no_utf8_can_still_be_shown_and_stored(tmp_path: Path, photos: list[np.ndarray]):
    root = tmp_path / "odd"
    root.mkdir()
    Image.fromarray(photos[0]).save(root / "plain.png")
    try:
        os.rename(root / "plain.png", os.path.join(os.fsencode(root), b"caf\xe9.png"))
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    dataset = Folder("all", argument=root)
    assert dataset.names == [r"caf\xe9.png"]
    np.testing.assert_array_equal(dataset[0], photos[0])
    assert len(dataset.fingerprint()) == 64


def test_names_are_the_same_however_a_system_composes_accents(tmp_path: Path, photos: list[np.ndarray]):
    """macOS hands out decomposed names; a photo's hints are drawn by its name."""
    prints = []
    for form in ("NFC", "NFD"):
        root = tmp_path / form
        root.mkdir()
        Image.fromarray(photos[0]).save(root / unicodedata.normalize(form, "Zoë.png"))
        dataset = Folder("all", argument=root)
        assert dataset.names == ["Zoë.png"]
        prints.append(dataset.fingerprint())
    assert prints[0] == prints[1]
    Image.fromarray(photos[1]).save(tmp_path / "NFD" / "Zoë.png")
    assert len(set(Folder("all", argument=tmp_path / "NFD").names)) == 2, "two files never share a name"


def test_photos_beside_the_split_folders_are_said_to_be_left_out(folder: Path):
    for split in ("train", "test"):
        (folder / split).mkdir()
        shutil.move(folder / f"{split == 'test':d}.png", folder / split)
    (note,) = Folder("train", argument=folder).notes
    assert "2.png, 3.png, 4.png, … beside them are not read" in note


def test_what_each_split_did_not_take_is_counted_for_it(folder: Path):
    for number, split in enumerate(("train", "test")):
        (folder / split).mkdir()
        shutil.move(folder / f"{number}.png", folder / split)
    for number in range(2, 8):
        (folder / f"{number}.png").unlink()
    (folder / "test" / "x.cr2").touch()
    assert Folder("train", argument=folder).notes == ()
    assert Folder("test", argument=folder).notes == ("1 file was not taken: .cr2 1.",)
    assert Folder("all", argument=folder).notes == ("1 file was not taken: .cr2 1.",)
