"""Whatever looks at photos before the end looks at validation photos; test photos are scored and nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from zoo.cli.main import cli
from zoo.core.errors import BadInput
from zoo.harness.data.folder import Folder, Photos
from zoo.harness.plan.suite import describe_data, load_suite, open_photos
from zoo.harness.results.run_record import Data
from zoo.harness.results.run_record import Photos as Used


@pytest.fixture
def pack(tmp_path, photo_paths):
    """Four photos to train on, two for validation, two to test with; and a suite of it."""
    for number, path in enumerate(photo_paths):
        place = tmp_path / "pack" / Folder.splits[max(0, number // 2 - 1)] / f"{number}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    return tmp_path / "pack"


def suite_of(pack, **said):
    return msgspec.structs.replace(load_suite("smoke"), data=f"folder:{pack}", test_limit=None, **said)


def test_each_side_is_of_its_own_folder(pack):
    suite = suite_of(pack)
    photos = open_photos(suite)
    assert (photos.train.names, photos.validation.names, photos.test.names) == (
        ("train/0.jpg", "train/1.jpg", "train/2.jpg", "train/3.jpg"),
        ("validation/4.jpg", "validation/5.jpg"),
        ("test/6.jpg", "test/7.jpg"),
    )
    data = describe_data(suite, photos)
    assert [(side.split, side.photos) for side in (data.train, data.validation, data.test)] == [
        ("train", 4),
        ("validation", 2),
        ("test", 2),
    ]
    assert data.told == f"4 to train on (folder:{pack}), 2 for validation, 2 to score on (folder:{pack})"


def test_scored_on_validation_photos_nothing_else_is_scored(pack):
    suite = suite_of(pack, split="validation", test_data="photos")
    photos = open_photos(suite)
    assert photos.test is photos.validation
    data = describe_data(suite, photos)
    assert (data.test.source, data.test.split) == (f"folder:{pack}", "validation"), "not of the source to test with"
    assert data.told.endswith(f"2 to score on (folder:{pack}, validation)")
    assert str(data) == f"folder:{pack} 4 / folder:{pack} validation 2"


def test_without_validation_photos_nothing_is_looked_at_and_that_is_said(pack):
    shutil.rmtree(pack / "validation")
    (pack / "train" / "3.jpg").unlink()
    suite = suite_of(pack)
    photos = open_photos(suite)
    assert photos.validation is None
    data = describe_data(suite, photos)
    assert not data.validation
    assert any("no photo is looked at on the way" in note for note in data.train.notes)
    with pytest.raises(BadInput, match="too few photos to keep some for validation"):
        open_photos(suite_of(pack, split="validation"))


def test_old_records_say_what_they_were_made_of():
    old = msgspec.convert(
        {"train": {"source": "photos", "photos": 284}, "test": {"source": "photos", "photos": 41}}, Data
    )
    assert str(old) == "photos 284 / photos 41"
    assert old.told == "284 to train on (photos), 41 to score on (photos)"
    assert old.test == Used("photos", 41)


def test_what_recipes_were_chosen_on_is_for_validation():
    assert {name.partition("/")[0] for name in Photos("validation").names} == {"validation"}
    assert len(set(Photos("validation").originals)) == 41


def test_the_terminals_table_says_which_photos_were_used_for_what():
    folder = Path(__file__).parents[3] / "results" / "quick"
    first = json.loads(next(folder.glob("runs/gray/*/run.json")).read_text(encoding="utf-8"))["data"]
    told = msgspec.convert(first, Data).told
    assert f"Photos: {told}." in CliRunner().invoke(cli, ["leaderboard", str(folder)]).stdout
