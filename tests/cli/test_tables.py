"""Leaderboards and scores as a reader or a program gets them."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from zoo.cli.main import cli
from zoo.harness.bench.columns import LEADERBOARD_COLUMNS


def zoo(*arguments: str) -> str:
    result = CliRunner().invoke(cli, arguments, prog_name="zoo")
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def results(tmp_path):
    rows = [
        {"rank": 1, "model": "unet", "psnr": 25.5, "ssim": 0.90, "delta_e00": 8.0, "status": "ok", "notes": ""},
        {
            "rank": 2,
            "model": "gray",
            "psnr": 22.1,
            "ssim": 0.95,
            "delta_e00": 12.0,
            "status": "ok",
            "notes": "baseline",
        },
        {"rank": None, "model": "odd|one", "status": "oom", "error": "no memory", "notes": ""},
    ]
    table = pd.DataFrame(rows, columns=list(LEADERBOARD_COLUMNS))
    table.to_csv(tmp_path / "leaderboard.csv", index=False)
    return str(tmp_path)


def test_baselines_are_marked_and_failures_explained(results):
    text = zoo("leaderboard", results)
    assert "gray (baseline)" in text
    assert "unet (baseline)" not in text
    assert "odd|one: oom: no memory" in text


def test_sorting_puts_the_best_first_and_the_unmeasured_last(results):
    for column, order in (("ssim", ["gray", "unet", "odd|one"]), ("delta_e00", ["unet", "gray", "odd|one"])):
        rows = json.loads(zoo("leaderboard", results, "--sort", column, "--format", "json"))
        assert [row["model"] for row in rows] == order


def test_csv_has_every_column_and_json_no_nan(results):
    table = pd.read_csv(io.StringIO(zoo("leaderboard", results, "--format", "csv")))
    assert list(table.columns) == list(LEADERBOARD_COLUMNS)
    assert json.loads(zoo("leaderboard", results, "--format", "json"))[2]["psnr"] is None


def test_markdown_keeps_its_columns_whatever_a_name_holds(results):
    lines = zoo("leaderboard", results, "--format", "md").splitlines()
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1


def test_scores_of_two_files_and_of_two_folders_agree(tmp_path, photos):
    for name in ("made", "true"):
        (tmp_path / name).mkdir()
    noisy = np.clip(photos[0].astype(int) + 9, 0, 255).astype(np.uint8)
    for index, image in enumerate((noisy, photos[1])):
        Image.fromarray(image).save(tmp_path / "made" / f"{index}.png")
        Image.fromarray(photos[index]).save(tmp_path / "true" / f"{index}.png")
    made, true = str(tmp_path / "made"), str(tmp_path / "true")
    expected = peak_signal_noise_ratio(photos[0], noisy, data_range=255)
    one = json.loads(zoo("score", f"{made}/0.png", f"{true}/0.png", "--metrics", "psnr", "--format", "json"))
    both = json.loads(zoo("score", made, true, "--metrics", "psnr,ssim", "--format", "json"))
    assert one[0]["psnr"] == pytest.approx(expected, abs=1e-4)
    assert both[0]["psnr"] == pytest.approx(expected, abs=1e-4)
    assert both[1]["psnr"] == 100
    assert "mean of 2" in zoo("score", made, true, "--metrics", "psnr")
