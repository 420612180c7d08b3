from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
import torchvision.datasets
from PIL import Image

from zoo.core.errors import BadInput, Unavailable, UnknownName
from zoo.harness.data.build import build_bank
from zoo.harness.data.torchvision import COLLECTIONS, TorchvisionDataset


def fake(split: str, **options) -> TorchvisionDataset:
    return TorchvisionDataset(split, argument="FakeData", size=6, image_size=(3, 40, 48), **options)


def test_its_pictures_are_torchvisions():
    dataset = fake("train")
    theirs = torchvision.datasets.FakeData(size=6, image_size=(3, 40, 48))
    assert len(dataset) == 6
    np.testing.assert_array_equal(dataset[3], np.asarray(theirs[3][0]))


def test_the_splits_differ_and_the_fingerprint_says_what_was_chosen():
    train, test = fake("train"), fake("test")
    assert not np.array_equal(train[0], test[0])
    assert train.fingerprint() == fake("train").fingerprint()
    assert len({train.fingerprint(), test.fingerprint(), fake("train", num_classes=3).fingerprint()}) == 3


def test_it_becomes_a_bank_that_threads_do_not_disturb():
    """FakeData seeds the global generator for every picture, so two threads would mix them up."""
    torch.manual_seed(3)
    state = torch.get_rng_state()
    bank = build_bank(TorchvisionDataset("train", argument="FakeData", size=40, image_size=(3, 32, 32)), side=32)
    assert torch.equal(torch.get_rng_state(), state)
    theirs = torchvision.datasets.FakeData(size=40, image_size=(3, 32, 32))
    for index in range(40):
        np.testing.assert_array_equal(bank.pixels[index].transpose(1, 2, 0), np.asarray(theirs[index][0]))


class Unsplit:
    """As torchvision's Caltech101: no split, classes under ``y``."""

    def __init__(self, root: str, download: bool = False):
        self.root, self.y = root, list(range(200))

    def __len__(self) -> int:
        return 200

    def __getitem__(self, index: int):
        return Image.new("RGB", (20, 20), (index, 0, 0)), self.y[index]


def test_a_collection_without_splits_is_split_by_index_with_its_labels(monkeypatch):
    monkeypatch.setattr(torchvision.datasets, "Caltech101", Unsplit)
    train, test = (TorchvisionDataset(split, argument="Caltech101") for split in ("train", "test"))
    assert len(train) + len(test) == 200
    assert 20 < len(test) < 60
    assert not set(train.names) & set(test.names)
    assert test.labels == [int(test[i][0, 0, 0]) for i in range(len(test))]


def test_what_cannot_be_downloaded_is_one_sentence(monkeypatch):
    def offline(root: str, train: bool, download: bool):
        raise OSError("<urlopen error [Errno -2] Name or service not known>")

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", offline)
    with pytest.raises(Unavailable, match=r"torchvision:CIFAR10: .*cannot be downloaded .*; put it into .*CIFAR10"):
        TorchvisionDataset("train", argument="CIFAR10")


def test_every_listed_collection_exists_and_takes_its_split():
    for name, choices in COLLECTIONS.items():
        accepted = inspect.signature(getattr(torchvision.datasets, name)).parameters
        for chosen in choices:
            assert set(chosen) <= set(accepted), name


def test_wrong_names_splits_and_options_are_refused():
    with pytest.raises(UnknownName, match="did you mean 'CIFAR10'"):
        TorchvisionDataset("train", argument="CIFAR-10")
    with pytest.raises(BadInput, match="split 'val'"):
        TorchvisionDataset("val", argument="FakeData")
    with pytest.raises(BadInput, match="wrong option"):
        TorchvisionDataset("train", argument="FakeData", sizes=3)
