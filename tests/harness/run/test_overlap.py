"""Test photos that were seen in training are told, mirrored or at another size too."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from zoo.harness.data.bank import PhotoBank
from zoo.harness.run import overlap as module
from zoo.harness.run.overlap import overlap, tell_overlap
from zoo.harness.run.reporter import SilentReporter


class Notes(SilentReporter):
    def __init__(self):
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def bank(photos: dict[str, np.ndarray], side: int) -> PhotoBank:
    planes = [np.asarray(Image.fromarray(rgb).resize((side, side))).transpose(2, 0, 1) for rgb in photos.values()]
    return PhotoBank(np.stack(planes), tuple(photos), None, (), (), "")


@pytest.fixture
def banks(photos) -> tuple[PhotoBank, PhotoBank]:
    train = {f"train{i}": rgb for i, rgb in enumerate(photos[:4])}
    test = {"again": photos[1], "mirrored": photos[2][:, ::-1], "new": photos[5], "other": photos[6]}
    return bank(train, 72), bank(test, 64)


def test_overlap_finds_the_same_photo_and_its_mirror_image(banks):
    assert overlap(*banks) == {"again": "train1", "mirrored": "train2"}


def test_the_block_a_test_photo_lies_in_changes_nothing(banks, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", 1)
    assert overlap(*banks) == {"again": "train1", "mirrored": "train2"}


def test_it_is_told_and_cut_short(banks):
    told = Notes()
    train, test = banks
    tell_overlap(train, {"validation": None, "test": test}, told, shown=1)
    assert told.notes == [
        "test: again resembles train1 of the training photos",
        "test: 2 photos resemble training photos; zoo data check names them",
    ]


def test_a_large_set_is_not_passed_over_in_silence(banks, monkeypatch):
    monkeypatch.setattr(module, "MOST_PHOTOS", 3)
    told = Notes()
    tell_overlap(banks[0], {"test": banks[1]}, told)
    assert len(told.notes) == 1
    assert "zoo data check" in told.notes[0]


def test_no_overlap_is_nothing_to_tell(banks):
    train, test = banks
    told = Notes()
    tell_overlap(train, {"validation": test.take([2]), "test": test.take([2, 3])}, told)
    assert told.notes == []
