"""A suite that trains nothing: no training photo is opened, and only what needs none has a row."""

from __future__ import annotations

import msgspec
import pytest
from PIL import Image

from zoo.core.errors import BadInput
from zoo.harness.plan.selection import ready_models
from zoo.harness.plan.suite import describe_data, load_suite, open_photos

SUITE = msgspec.structs.replace(load_suite("gachon256"), size=32, smallest=200)


@pytest.fixture
def pack(photo_paths, tmp_path):
    """Three photos, one of them smaller than the suite takes."""
    for i, path in enumerate(photo_paths[:3]):
        with Image.open(path) as photo:
            photo.crop((0, 0, 256, 256 if i else 199)).save(tmp_path / f"{i}.png")
    return f"folder:{tmp_path}"


def test_every_photo_of_a_folder_is_scored_but_those_that_would_be_enlarged(pack):
    photos = open_photos(msgspec.structs.replace(SUITE, data=pack))
    assert photos.test.names == ("1.png", "2.png")
    assert photos.test.skipped == (("0.png", "too small (256×199; 200 pixels are the least)"),)
    assert len(photos.train) == 0


def test_the_record_names_no_training_photos(pack):
    suite = msgspec.structs.replace(SUITE, data=pack)
    data = describe_data(suite, open_photos(suite))
    assert (data.train.source, data.train.photos) == ("none", 0)
    assert (data.test.source, data.test.photos) == (pack, 2)


def test_a_model_is_ready_where_it_needs_no_training_photo():
    models = ["unet", "gray", "mean_ab", "welsh2002", "cheng2015", "pyramid", "levin2004", "oracle_quarter"]
    assert ready_models(models, set(), "s") == ["gray", "pyramid", "levin2004", "oracle_quarter"]


@pytest.mark.parametrize("model", ["unet", "mean_ab", "welsh2002"])
def test_a_named_model_that_needs_them_is_refused(model):
    with pytest.raises(BadInput, match=f"trains nothing, and '{model}' needs training photos.*zoo eval RUN --suite s"):
        ready_models(["gray", model], {model}, "s")


def test_a_pack_of_a_suite_for_numbers_is_not_pictured():
    assert not load_suite("gachon256").pictures
