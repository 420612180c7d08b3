"""`zoo colorize` over files and folders, the good and the bad, again and again."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from zoo.cli.main import cli


def colorize(*arguments: object, model: str = "gray") -> Result:
    return CliRunner().invoke(cli, ["colorize", *map(str, arguments), "--with", model], prog_name="zoo")


@pytest.fixture
def album(tmp_path: Path, photo_paths: list[Path]) -> Path:
    folder = tmp_path / "album"
    (folder / "old").mkdir(parents=True)
    shutil.copy(photo_paths[0], folder / "a.jpg")
    shutil.copy(photo_paths[1], folder / "old" / "b.jpg")
    return folder


def test_a_folder_is_done_once_at_full_size(album, tmp_path):
    out = tmp_path / "out"
    result = colorize(album, "-o", out)
    assert result.exit_code == 0, result.output
    assert "2 colorized" in result.stdout
    made = [out / "a.colorized.png", out / "old" / "b.colorized.png"]
    assert sorted(path for path in out.rglob("*") if path.is_file()) == made
    with Image.open(made[0]) as image:
        assert (image.size, image.mode) == ((256, 256), "RGB")
    stamps = [path.stat().st_mtime_ns for path in made]
    assert "2 done already" in colorize(album, "-o", out).stdout
    assert [path.stat().st_mtime_ns for path in made] == stamps
    assert "2 colorized" in colorize(album, "-o", out, "--overwrite").stdout


def test_a_damaged_photo_is_named_and_the_others_are_done(album):
    (album / "cut.jpg").write_bytes((album / "a.jpg").read_bytes()[:3000])
    (album / "text.png").write_text("not a picture")
    before = {path: path.read_bytes() for path in album.rglob("*.jpg")}
    result = colorize(album)
    assert result.exit_code == 1
    assert "2 colorized, 2 failed" in result.stdout
    assert "cut.jpg" in result.stderr
    assert "text.png" in result.stderr
    assert {path: path.read_bytes() for path in before} == before
    assert not list(album.rglob("*.part"))


def test_nothing_usable_is_exit_code_2(album, tmp_path):
    (tmp_path / "text.png").write_text("not a picture")
    assert colorize(tmp_path / "text.png").exit_code == 2
    (tmp_path / "empty").mkdir()
    assert colorize(tmp_path / "empty").exit_code == 2
    assert colorize(album / "a.jpg", model="unet").exit_code == 2
    assert colorize(album / "a.jpg", "--device", "abacus").exit_code == 2
    assert not list(album.rglob("*.colorized.png"))


def test_hints_are_for_one_photo_of_their_size(album, tmp_path):
    hints = np.zeros((256, 256, 4), np.uint8)
    hints[10:20, 10:20] = (255, 0, 0, 255)
    Image.fromarray(hints).save(tmp_path / "hints.png")
    assert colorize(album / "a.jpg", "--hints", tmp_path / "hints.png").exit_code == 0
    several = colorize(album, "--hints", tmp_path / "hints.png")
    assert several.exit_code == 2
    assert "one photo" in several.stderr
    Image.fromarray(hints[:50]).save(tmp_path / "hints.png")
    assert colorize(album / "a.jpg", "--hints", tmp_path / "hints.png", "--overwrite").exit_code == 2


def test_an_output_that_cannot_be_written_is_a_sentence(album, tmp_path):
    (tmp_path / "file").write_text("")
    result = colorize(album / "a.jpg", "-o", tmp_path / "file")
    assert result.exit_code == 2
    assert "Traceback" not in result.output
