"""The embedded photos: split by original by the rule that their README tells, each with its credit."""

from __future__ import annotations

import hashlib
from collections import defaultdict

import numpy as np
import pytest
from PIL import Image

from zoo.harness.data.check import dhash, hamming
from zoo.harness.data.folder import FOLDER, Credit, Photos, read_credits

FIRST = {
    ("gcompris-qt-data", "3.1-2"),
    ("scratch", "1.4.0.6~dfsg1-6.1"),
    ("lomiri-wallpapers-16.04", "20.04.0-2"),
    ("lomiri-wallpapers-20.04", "20.04.0-2"),
    ("palapeli-data", "4:22.12.3-1"),
}
"""Where the originals are from that were there when the recipes were chosen."""


@pytest.fixture(scope="module")
def credits_of() -> list[Credit]:
    return read_credits()


def test_every_photo_has_its_credit_and_is_what_it_was(credits_of):
    there = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.jpg")}
    assert there == {row.file for row in credits_of}
    for row in credits_of:
        assert hashlib.sha256((FOLDER / row.file).read_bytes()).hexdigest() == row.sha256, row.file
        assert row.file.partition("/")[0] == row.split
        assert all(getattr(row, column) for column in ("title", "author", "licence", "package", "source")), row.file
        assert row.licence.startswith(("CC-BY", "CC0", "public domain")), row.file


def test_no_original_and_no_subject_is_on_two_sides(credits_of):
    for column in ("photo_id", "subject"):
        sides = defaultdict(set)
        for row in credits_of:
            sides[getattr(row, column)].add(row.split)
        assert [name for name, splits in sides.items() if len(splits) > 1] == []


def test_the_test_photos_are_one_of_each_of_the_originals_that_the_rule_draws(credits_of):
    subjects = defaultdict(set)
    for row in credits_of:
        if (row.package, row.package_version) in FIRST and row.split != "validation":
            subjects[row.subject].add(row.photo_id)
    assert sum(map(len, subjects.values())) == 145
    drawn: set[str] = set()
    for subject in sorted(subjects, key=lambda subject: hashlib.sha256(subject.encode()).hexdigest()):
        if len(drawn) < 105:
            drawn |= subjects[subject]
    tested = [row.photo_id for row in credits_of if row.split == "test"]
    assert sorted(tested) == sorted(drawn)
    assert Photos("test").originals == sorted(tested)


def test_nothing_to_train_on_looks_like_what_is_held_out(credits_of):
    hashes = defaultdict(list)
    for row in credits_of:
        photo = np.asarray(Image.open(FOLDER / row.file).convert("RGB"))
        hashes[row.package if row.split == "train" else "held out"].append(dhash(photo))
        if row.split != "train":
            hashes["held out"].append(dhash(np.ascontiguousarray(photo[:, ::-1])))
    held_out = hashes.pop("held out")
    assert all(hamming(of_package, held_out).min() > 9 for of_package in hashes.values())
