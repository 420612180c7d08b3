"""`zoo data check` names what is wrong with photos."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image, ImageOps

from zoo.cli.main import cli


@pytest.fixture
def pack(tmp_path: Path, photo_paths: list[Path]) -> Path:
    """Photos 0-4 to train on and 5-7 to test with."""
    for number, path in enumerate(photo_paths):
        place = tmp_path / "pack" / ("train" if number < 5 else "test") / f"{number}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    return tmp_path / "pack"


def check(*arguments: str):
    return CliRunner().invoke(cli, ["data", "check", *arguments], prog_name="zoo")


def spoil(pack: Path) -> None:
    (pack / "train" / "bad.png").write_bytes(b"no image")
    Image.new("RGB", (3, 90), "red").save(pack / "test" / "tiny.png")
    Image.open(pack / "train" / "2.jpg").convert("L").save(pack / "train" / "2.jpg")
    shutil.copy(pack / "train" / "0.jpg", pack / "train" / "again.jpg")
    ImageOps.mirror(Image.open(pack / "test" / "5.jpg")).save(pack / "train" / "mirrored.png")


def test_clean_photos_end_in_0(pack):
    result = check(f"folder:{pack}")
    assert result.exit_code == 0
    assert "8 of 8 photos can be used: 4 to train on, 1 for validation, 3 to test with." in result.stdout


def test_what_is_wrong_is_counted_and_named(pack):
    spoil(pack)
    result = check(f"folder:{pack}")
    assert result.exit_code == 1
    counts = dict(line.split() for line in result.stdout.splitlines()[1:7])
    of_two_splits = {"near-duplicates": "1", "shared-originals": "0"}
    assert counts == {"unreadable": "1", "tiny": "1", "monochrome": "1", "duplicates": "1", **of_two_splits}
    assert "tiny: test/tiny.png" in result.stdout
    assert "duplicates: train/0.jpg = train/again.jpg" in result.stdout
    assert "near-duplicates: train/mirrored.png ~ test/5.jpg (0 bits)" in result.stdout


def test_json_holds_every_name(pack):
    spoil(pack)
    result = check(f"folder:{pack}", "--format", "json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert (found["photos"], found["usable"], found["clean"]) == (12, 10, False)
    assert [each["photo"] for each in found["unreadable"]] == ["train/bad.png"]
    assert found["monochrome"] == ["train/2.jpg"]
    assert found["near_duplicates"] == [
        {"train": "train/mirrored.png", "test": "test/5.jpg", "bits": 0, "splits": ["train", "test"]}
    ]


def test_monochrome_photos_alone_are_nothing_to_mend(pack):
    Image.open(pack / "train" / "2.jpg").convert("L").save(pack / "train" / "2.jpg")
    assert check(f"folder:{pack}").exit_code == 0


def test_the_test_photos_of_another_source(pack, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(pack, other)
    shutil.copy(pack / "train" / "1.jpg", other / "test")
    result = check(f"folder:{pack}", "--test-data", f"folder:{other}")
    assert result.exit_code == 1
    assert "near-duplicates: train/1.jpg ~ test/1.jpg (0 bits)" in result.stdout


@pytest.mark.parametrize("source", ["folder:/nowhere", "no_such_source", "folder:~nobody_at_all", "a" * 300])
def test_a_source_that_is_none_is_one_line(source):
    result = check(source)
    assert result.exit_code == 2
    assert result.stderr.startswith("zoo: ")
    assert result.stderr.count("\n") == 1


def test_what_was_not_taken_converted_or_cut_is_said(pack):
    (pack / "train" / "drawing.svg").touch()
    (pack / "val").mkdir()
    picture = Image.open(pack / "train" / "1.jpg")
    picture.save(pack / "train" / "1.jpg", icc_profile=b"no profile")
    picture.save(pack / "test" / "scan.tif", save_all=True, append_images=[picture])
    result = check(f"folder:{pack}")
    notes = [line for line in result.stdout.splitlines() if line.startswith("note: ")]
    assert notes == [
        "note: 1 file was not taken: .svg 1.",
        f"note: {pack} is split by its folders train and test; val/ beside them is not read.",
        "note: train/1.jpg: its colour profile is damaged and not applied.",
        "note: test/scan.tif: holds 2 pages, only the first is taken.",
    ]
    assert json.loads(check(f"folder:{pack}", "--format", "json").stdout)["notes"] == [note[6:] for note in notes]


@pytest.mark.parametrize("place", ["before", "behind"])
def test_photos_above_the_limit_are_read_where_that_is_allowed(pack, monkeypatch, place):
    monkeypatch.setenv("ZOO_MAX_MEGAPIXELS", "0.01")
    refused = check(f"folder:{pack}")
    assert refused.exit_code == 1
    assert "256×256 pixels are more than the 0.01 megapixels" in refused.stdout
    command = ["data", "check", f"folder:{pack}"]
    option = ["--max-megapixels", "0.07"]
    allowed = CliRunner().invoke(cli, [*option, *command] if place == "before" else [*command, *option])
    assert allowed.exit_code == 0
    assert check(f"folder:{pack}").exit_code == 1, "it holds for one command"


@pytest.mark.parametrize("value", ["0", "-1", "many", "nan"])
def test_a_limit_that_is_none_is_refused(pack, value):
    result = CliRunner().invoke(cli, ["data", "check", f"folder:{pack}", "--max-megapixels", value])
    assert result.exit_code == 2
    assert "max-megapixels" in result.stderr or "ZOO_MAX_MEGAPIXELS" in result.stderr
