"""`zoo score` follows the bench's rules on images that anybody's method made."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from zoo.cli.main import cli
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
