from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zoo.core.errors import BadInput, BrokenPlugin, UnknownName
from zoo.harness.data import source
from zoo.harness.data.folder import Folder, Photos
from zoo.harness.data.source import canonical, open_source, open_splits


def test_the_built_in_sources_open_by_name(folder: Path):
    assert isinstance(open_source("photos", "test"), Photos)
    assert len(open_source("photos", "test")) == 105
    assert isinstance(open_source(f"folder:{folder}", "train"), Folder)
    assert len(open_source("torchvision:FakeData", "train", size=5)) == 5


def test_a_wrong_source_says_how_to_write_it(folder: Path):
    with pytest.raises(UnknownName, match="did you mean 'photos'"):
        open_source("photo", "train")
    with pytest.raises(BadInput, match="write 'folder:"):
        open_source(str(folder), "train")
    with pytest.raises(BadInput, match="needs an argument; write 'folder:ARGUMENT'"):
        open_source("folder", "train")
    with pytest.raises(BadInput, match="'photos' takes no argument"):
        open_source("photos:birds", "train")
    with pytest.raises(BadInput, match="no such folder"):
        open_source("folder:/no/such/place", "train")


class Plugins:
    """A registry with one data set in it."""

    def __init__(self, dataset_class):
        self.dataset_class = dataset_class

    def load(self, kind: str, name: str):
        assert (kind, name) == ("datasets", "theirs")
        return self.dataset_class


def test_a_plugins_data_set_gets_split_and_argument(monkeypatch):
    class Theirs:
        def __init__(self, split: str, argument: str = "default"):
            self.got = split, argument

    monkeypatch.setattr(source, "current", lambda: Plugins(Theirs))
    assert open_source("theirs", "train").got == ("train", "default")
    assert open_source("theirs:a:b", "test").got == ("test", "a:b")


def test_a_plugin_that_fails_is_named(monkeypatch):
    class Failing:
        def __init__(self, split: str):
            raise KeyError(split)

    monkeypatch.setattr(source, "current", lambda: Plugins(Failing))
    with pytest.raises(BrokenPlugin, match="'theirs' cannot be opened: KeyError"):
        open_source("theirs", "train")


def test_photos_are_upright_uint8_rgb():
    photo = open_source("photos", "train")[0]
    assert (photo.shape, photo.dtype) == ((256, 256, 3), np.uint8)


def test_two_sources_hold_nothing_out_for_each_other(folder):
    source = f"folder:{folder}"
    together, photos, apart = (
        [len(split) for split in open_splits(*named)]
        for named in ((source, None), ("photos", source), (source, "photos"))
    )
    assert sum(together) == 8
    assert min(together) >= 1
    assert photos == [224, 41, 8]
    assert apart == [7, 1, 105], "nothing is held out for a test, and one photo is for validation"


def test_a_data_set_that_knows_no_validation_is_never_asked_for_it(monkeypatch):
    asked: list[str] = []

    class Theirs:
        def __init__(self, split: str):
            asked.append(split)
            self.names = [f"{split} {i}" for i in range(30)]
            self.labels = list(range(30))

        def __len__(self):
            return 30

        def __getitem__(self, index):
            return np.full((20, 20, 3), index, np.uint8)

        def pixels(self, index):
            return 1000 + index

        def fingerprint(self):
            return "theirs"

    monkeypatch.setattr(source, "current", lambda: Plugins(Theirs))
    train, validation, test = open_splits("theirs", None)
    assert asked == ["train", "test"]
    assert (len(train), len(validation), len(test)) == (27, 3, 30)
    assert {*train.names, *validation.names} == {f"train {i}" for i in range(30)}
    for portion in (train, validation):
        for index, (name, label) in enumerate(zip(portion.names, portion.labels, strict=True)):
            assert name == f"train {label}"
            assert portion[index][0, 0, 0] == label
            assert portion.pixels(index) == 1000 + label
        assert not hasattr(portion, "photo")
    assert len({train.fingerprint(), validation.fingerprint(), "theirs"}) == 3


def test_a_relative_folder_is_recorded_as_the_same_folder_from_anywhere(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder.parent)
    recorded = canonical(f"folder:{folder.name}")
    assert recorded == f"folder:{folder}"
    assert canonical("folder:./pack/../pack") == f"folder:{folder.parent}/pack/../pack"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert len(open_source(recorded, "all")) == 8
    assert canonical(recorded) == recorded


@pytest.mark.parametrize("source", ["photos", "torchvision:CIFAR10", "no_such:thing", "folder:"])
def test_other_sources_are_recorded_as_they_are(source):
    assert canonical(source) == source


def test_home_is_written_out(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert canonical("folder:~/photos") == f"folder:{tmp_path}/photos"
