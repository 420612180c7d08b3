from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from zoo.harness.data.check import dhash, hamming, inspect
from zoo.harness.data.folder import Folder, Photos


@pytest.fixture
def pack(folder: Path) -> Path:
    """Photos 0–4 to train on and 5–7 to test with."""
    for split in ("train", "test"):
        (folder / split).mkdir()
    for number in range(8):
        shutil.move(folder / f"{number}.png", folder / ("train" if number < 5 else "test"))
    return folder


def report_on(pack: Path):
    return inspect({split: Folder(split, argument=pack) for split in Folder.splits})


def test_a_clean_pack_is_clean(pack: Path):
    report = report_on(pack)
    assert report.clean
    assert (report.photos, report.usable) == (8, 8)
    assert report.names["test"] == ["test/5.png", "test/6.png", "test/7.png"]
    assert {split: len(names) for split, names in report.names.items()} == {"train": 4, "validation": 1, "test": 3}


def test_everything_wrong_is_named(pack: Path):
    (pack / "train" / "1.png").write_text("text")
    Image.new("RGB", (3, 90), "red").save(pack / "test" / "tiny.png")
    Image.open(pack / "train" / "2.png").convert("L").save(pack / "train" / "2.png")
    shutil.copy(pack / "train" / "0.png", pack / "train" / "again.png")
    report = report_on(pack)
    assert [name for name, _ in report.unreadable] == ["train/1.png"]
    assert report.tiny == ["test/tiny.png"]
    assert report.monochrome == ["train/2.png"]
    assert report.duplicates == [["train/0.png", "train/again.png"]]
    assert (report.photos, report.usable, report.clean) == (10, 8, False)


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image,
        lambda image: ImageOps.mirror(image),
        lambda image: image.resize((100, 80)),
        lambda image: ImageOps.mirror(image).point(lambda level: level * 0.8),
    ],
    ids=["copy", "mirrored", "resized", "mirrored and darker"],
)
def test_a_test_photo_seen_in_training_is_a_near_duplicate(pack: Path, change):
    change(Image.open(pack / "test" / "6.png")).save(pack / "train" / "leak.jpg", quality=60)
    found = report_on(pack).near_duplicates
    assert [(each.photo, each.other) for each in found] == [("train/leak.jpg", "test/6.png")]
    assert found[0].bits <= 6


def test_a_leak_between_any_two_splits_is_found(pack: Path):
    (pack / "validation").mkdir()
    for name in ("train/0.png", "test/5.png"):
        shutil.copy(pack / name, pack / "validation" / f"copy_of_{Path(name).name}")
    found = report_on(pack).near_duplicates
    assert [(*each.splits, each.photo, each.other) for each in found] == [
        ("train", "validation", "train/0.png", "validation/copy_of_0.png"),
        ("validation", "test", "validation/copy_of_5.png", "test/5.png"),
    ]


def test_photos_of_one_original_on_two_sides_are_a_leak(pack: Path):
    splits = {split: Folder(split, argument=pack) for split in ("train", "test")}
    for split, dataset in splits.items():
        dataset.originals = [f"{split} {name}" for name in dataset.names]
    assert inspect(splits).clean
    splits["train"].originals[1] = splits["test"].originals[0] = "the bridge"
    report = inspect(splits)
    assert report.shared_originals == [("the bridge", [splits["train"].names[1], "test/5.png"])]
    assert not report.clean


def test_hamming_counts_bits(photos: list[np.ndarray]):
    hashes = [dhash(photo) for photo in photos]
    expected = [[int((a != b).sum()) for b in hashes] for a in hashes]
    assert hamming(hashes, hashes).tolist() == expected
    assert hamming([], hashes).shape == (0, 8)


def test_dhash_reads_which_way_it_gets_brighter():
    ramp = np.tile(np.arange(90, dtype=np.uint8)[None, :, None], (80, 1, 3))
    assert dhash(ramp).all()
    assert not dhash(np.ascontiguousarray(ramp[:, ::-1])).any()


@pytest.mark.slow
def test_the_embedded_photos_have_nothing_to_mend():
    report = inspect({split: Photos(split) for split in Photos.splits})
    assert report.clean
    assert report.monochrome == []
    assert {split: len(names) for split, names in report.names.items()} == {"train": 224, "validation": 41, "test": 105}
