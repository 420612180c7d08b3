"""`zoo score` follows the bench's rules on images that anybody's method made."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from zoo.cli import photo_progress
from zoo.cli.main import cli
from zoo.harness.metrics import score as score_module
from zoo.harness.metrics.score import score


def run(*arguments: str | Path):
    return CliRunner().invoke(cli, ["score", *map(str, arguments), "--metrics", "psnr,ssim"], prog_name="zoo")


def save(folder: Path, **images: np.ndarray) -> Path:
    folder.mkdir(exist_ok=True)
    for name, image in images.items():
        Image.fromarray(image).save(folder / f"{name}.png")
    return folder


def grey_of(photo: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(photo).convert("L").convert("RGB"))


def mean_row(output: str) -> list[str]:
    (line,) = [line for line in output.splitlines() if "mean of" in line]
    return line.split()


def test_monochrome_truths_are_left_out_of_the_mean_and_counted(tmp_path: Path, photos: list[np.ndarray]):
    truth = save(tmp_path / "truth", a=photos[0], b=photos[1], old=grey_of(photos[2]))
    made = save(tmp_path / "made", a=grey_of(photos[0]), b=grey_of(photos[1]), old=grey_of(photos[2]))
    result = run(made, truth)
    assert result.exit_code == 0
    assert "1 of 3 images are monochrome and left out: old." in result.stderr
    expected = np.mean([score(grey_of(photo), photo, ["psnr"])["psnr"] for photo in photos[:2]])
    assert mean_row(result.stdout)[:4] == ["mean", "of", "2", f"{expected:.4g}"]
    rows = list(csv.DictReader(io.StringIO(run(made, truth, "--format", "csv").stdout)))
    assert [row["image"] for row in rows] == ["a", "b"]


def test_nothing_but_monochrome_truths_is_one_sentence(tmp_path: Path, photos: list[np.ndarray]):
    truth = save(tmp_path / "truth", a=grey_of(photos[0]))
    result = run(save(tmp_path / "made", a=photos[0]), truth)
    assert result.exit_code == 2
    assert "All 1 images" in result.stderr
    assert "monochrome" in result.stderr


def test_a_mean_with_a_value_missing_is_empty_and_said(tmp_path: Path, photos: list[np.ndarray]):
    """SSIM needs its window's 11 pixels."""
    truth = save(tmp_path / "truth", a=photos[0], tiny=photos[1][:8, :30])
    result = run(truth, truth)
    assert mean_row(result.stdout) == ["mean", "of", "2", "100"]
    assert "ssim: no mean, 1 of 2 photos has no value." in result.stderr


def test_a_pair_of_one_monochrome_truth_is_scored_and_said(tmp_path: Path, photos: list[np.ndarray]):
    truth = save(tmp_path / "truth", a=grey_of(photos[0])) / "a.png"
    result = run(truth, truth)
    assert result.exit_code == 0
    assert "a.png is monochrome" in result.stderr


def test_a_pair_of_two_sizes_a_damaged_file_and_one_alone_cost_themselves(
    tmp_path: Path, photos: list[np.ndarray], monkeypatch
):
    truth = save(tmp_path / "truth", a=photos[0], b=photos[1], c=photos[2], d=photos[3])
    made = save(tmp_path / "made", a=photos[0], b=photos[1][:100], c=photos[2])
    cut = (made / "c.png").read_bytes()
    (made / "c.png").write_bytes(cut[: len(cut) // 2])
    told: list[str] = []
    monkeypatch.setattr(score_module, "_score", lambda *images: told.append("scored") or {"psnr": 1.0})
    result = run(made, truth, "--format", "csv")
    assert result.exit_code == 1
    assert [row["image"] for row in csv.DictReader(io.StringIO(result.stdout))] == ["a"]
    assert "made/b.png is 256×100" in result.stderr
    assert "c.png" in result.stderr
    assert "1 of 4 images in" in result.stderr
    assert told == ["scored"]


def test_sizes_are_compared_before_anything_is_scored(tmp_path: Path, photos: list[np.ndarray], monkeypatch):
    truth = save(tmp_path / "truth", a=photos[0])
    made = save(tmp_path / "made", a=photos[0][:100])
    monkeypatch.setattr(score_module, "_rulers", lambda names: pytest.fail("a metric was made"))
    for arguments in ((made, truth), (made / "a.png", truth / "a.png")):
        result = run(*arguments)
        assert result.exit_code == 2
        assert "256×100" in result.stderr


def test_how_far_it_is_is_said_in_a_pipe(tmp_path: Path, photos: list[np.ndarray], monkeypatch):
    monkeypatch.setattr(photo_progress, "QUIET_SECONDS", 0.0)
    truth = save(tmp_path / "truth", a=photos[0], b=photos[1], c=photos[2])
    result = run(truth, truth, "--format", "csv")
    assert "1 of 3 photos, " in result.stderr
    assert "photos/s, about" in result.stderr
    assert len(result.stdout.splitlines()) == 4


def test_one_of_two_images_may_be_standard_input(tmp_path: Path, photos: list[np.ndarray]):
    truth = save(tmp_path / "truth", a=photos[0]) / "a.png"
    for arguments in (("-", str(truth)), (str(truth), "-")):
        command = ["score", *arguments, "--metrics", "psnr", "--format", "csv"]
        result = CliRunner().invoke(cli, command, truth.read_bytes(), prog_name="zoo")
        assert result.exit_code == 0, result.output
        assert result.stdout.splitlines()[1].endswith(",100.0")
    for arguments in (("-", "-"), ("-", str(tmp_path))):
        assert CliRunner().invoke(cli, ["score", *arguments], b"", prog_name="zoo").exit_code == 2


def test_what_was_not_taken_is_counted(tmp_path: Path, photos: list[np.ndarray]):
    truth = save(tmp_path / "truth", a=photos[0])
    (truth / "b.svg").touch()
    result = run(truth, truth)
    assert "1 file was not taken: .svg 1." in result.stderr


@pytest.mark.parametrize("suffix", [".gif", ".jfif", ".jpe", ".bmp", ".avif", ".jp2", ".PNG"])
def test_every_readable_suffix_is_scored_from_folders(tmp_path: Path, photos: list[np.ndarray], suffix: str):
    truth, made = save(tmp_path / "truth", a=photos[0]), tmp_path / "made"
    made.mkdir()
    Image.fromarray(photos[0]).save(made / f"a{suffix}")
    assert run(made, truth).exit_code == 0


def test_many_photos_with_one_note_are_one_line(tmp_path: Path, photos: list[np.ndarray]):
    truth = save(tmp_path / "truth", a=photos[0], b=photos[1], c=photos[2], d=photos[3])
    for file in truth.iterdir():
        Image.open(file).save(file, icc_profile=b"damaged")
    lines = run(truth, truth).stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("zoo: 8 photos (")
    assert lines[0].endswith(", …): its colour profile is damaged and not applied.")
