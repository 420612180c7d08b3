"""Leaderboards and scores as a reader or a program gets them."""

from __future__ import annotations

import io
import json
import runpy
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from zoo.cli.main import cli
from zoo.cli.tables import print_table
from zoo.core.files import csv_text
from zoo.harness.results.columns import LEADERBOARD_COLUMNS
from zoo.harness.results.frames import leaderboard
from zoo.harness.results.store import RunFolder

WRITER = runpy.run_path(str(Path(__file__).parents[1] / "harness" / "results" / "synthetic_results.py"))


def zoo(*arguments: str) -> str:
    result = CliRunner().invoke(cli, arguments, prog_name="zoo")
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def results(tmp_path):
    rows = [
        {
            "rank": 1,
            "model": "unet",
            "psnr": 25.5,
            "ssim": 0.90,
            "delta_e00": 8.0,
            "status": "ok",
            "notes": "",
            "kind": "model",
        },
        {
            "rank": 2,
            "model": "gray",
            "psnr": 22.1,
            "ssim": 0.95,
            "delta_e00": 12.0,
            "status": "ok",
            "notes": "baseline",
            "kind": "baseline",
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


ODD_NAMES = ["null", "None", "NA", "nan", "inf", "true", "1e5", "-1.5", "=1+1", "'=1+1", "@x", "n/a"]


def test_every_cell_is_the_files_own(tmp_path):
    """Not 1.0 for 1, nor 0.937 for 0.9370; and a name that looks like nothing or like a number stays a name."""
    rows = [{"rank": str(i), "model": name, "ssim": "0.9370", "psnr": "14.310"} for i, name in enumerate(ODD_NAMES, 1)]
    path = tmp_path / "leaderboard.csv"
    path.write_text(csv_text(LEADERBOARD_COLUMNS, rows))
    assert zoo("leaderboard", str(tmp_path), "--format", "csv") == path.read_text()
    assert [row["model"] for row in json.loads(zoo("leaderboard", str(tmp_path), "--format", "json"))] == ODD_NAMES
    table = leaderboard(tmp_path)
    assert list(table["model"]) == ODD_NAMES
    assert table["rank"].tolist() == list(range(1, len(rows) + 1))
    assert table["lpips"].isna().all()
    for form in ("table", "md"):
        shown = zoo("leaderboard", str(tmp_path), "--format", form)
        assert shown.count("0.9370") == shown.count("14.310") == len(rows)
        assert "1.0 " not in shown


@pytest.mark.parametrize(("higher", "first"), [(True, "b"), (False, "a")])
def test_a_plugins_metric_is_sorted_as_it_says_itself(tmp_path, higher, first):
    WRITER["write_results"](tmp_path, ["a", "b"], photos=4, seeds=1, failing=(), pictures=False, hints=False)
    for sharpness, path in zip((0.1, 0.9), sorted(tmp_path.glob("runs/*/seed0-*")), strict=True):
        run = RunFolder(path)
        names, scores = run.scores()
        run.write_scores(names, {**scores, "sharpness": [sharpness] * len(names)})
        run.write_record(msgspec.structs.replace(run.record(), higher_is_better={"sharpness": higher}))
    zoo("leaderboard", str(tmp_path), "--rebuild")
    rows = json.loads(zoo("leaderboard", str(tmp_path), "--sort", "sharpness", "--format", "json"))
    assert rows[0]["model"] == first


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


@pytest.mark.parametrize("width", [12, 20, 40, 60, 80, 200])
@pytest.mark.parametrize(
    "lengths", [(70, 8, 8, 110), (5, 5, 5, 300), (90, 90, 90, 90), (3, 3, 3, 3), (30, 1, 1, 1), (1,) * 4]
)
@pytest.mark.parametrize("letters", ["pqvw", "写真一二"])
def test_on_a_narrow_terminal_long_words_are_wrapped_and_never_cut(monkeypatch, capsys, width, lengths, letters):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    row = {str(i): letter * length for i, (letter, length) in enumerate(zip(letters, lengths, strict=True))}
    print_table([row, row], list(row), title="a title")
    drawn = capsys.readouterr().out
    assert [drawn.count(letter) for letter in letters] == [2 * length for length in lengths]
    assert "…" not in drawn


def test_a_table_that_fits_keeps_each_row_on_its_line(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    print_table([{"model": "attention_unet", "psnr": 22.5, "note": "two words"}], ["model", "psnr", "note"])
    assert any(
        line.split() == ["attention_unet", "22.5", "two", "words"] for line in capsys.readouterr().out.splitlines()
    )


def test_a_photo_named_like_a_formula_is_text_in_a_spreadsheet(tmp_path, photos):
    for folder in ("made", "true"):
        (tmp_path / folder).mkdir()
        for name in ("=1+1.png", "plain.png"):
            Image.fromarray(photos[0]).save(tmp_path / folder / name)
    made, true = str(tmp_path / "made"), str(tmp_path / "true")
    lines = zoo("score", made, true, "--metrics", "psnr", "--format", "csv").splitlines()
    assert not any(line.startswith("=") for line in lines)
    table = pd.read_csv(io.StringIO("\n".join(lines)))
    assert len(table) == 2
    assert table["psnr"].tolist() == [100.0, 100.0]
