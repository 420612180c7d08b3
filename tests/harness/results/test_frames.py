"""Results as data frames, and several folders read as one."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import zoo
from zoo.cli.main import cli
from zoo.core.errors import BadInput
from zoo.core.files import read_csv
from zoo.harness.results.columns import SCHEMA
from zoo.harness.results.leaderboard import rebuild

BUILDER = runpy.run_path(str(Path(__file__).with_name("synthetic_results.py")))
COLUMNS_OF_VERSION_1 = Path(__file__).with_name("columns_of_version_1.txt")


def write(folder, *, seeds=2, **more):
    BUILDER["write_results"](folder, ["one", "two", "gray"], photos=6, seeds=seeds, pictures=False, hints=False, **more)
    rebuild(folder)
    return folder


def cells(frame, column):
    return dict(zip(frame["model"], frame[column], strict=True))


def test_a_row_a_run_and_a_row_a_photo(tmp_path):
    folder = write(tmp_path / "bench")
    runs, scores = zoo.runs(folder), zoo.scores(folder)
    assert len(runs) == 7
    assert sorted(runs.loc[runs["status"] != "ok", "model"]) == ["broken_one"]
    assert len(scores) == 6 * 6
    assert runs["psnr"].dtype == float
    assert runs["shown"].all()
    # The mean over photos is the run's score, and that over runs the leaderboard's, which the CSVs round.
    means = scores.groupby(["model", "seed"])["psnr"].mean()
    for run in runs[runs["status"] == "ok"].itertuples():
        assert means[run.model, run.seed] == pytest.approx(run.psnr, abs=5e-4)
    board = cells(zoo.leaderboard(folder), "psnr")
    for model, mean in scores.groupby("model")["psnr"].mean().items():
        assert mean == pytest.approx(board[model], abs=5e-4)
    photo = scores[(scores["model"] == "two") & (scores["seed"] == 1)]
    _, columns = read_csv(Path(photo["folder"].iloc[0]) / "scores.csv")
    assert list(photo["image"]) == [row["image"] for row in columns]
    assert np.allclose(photo["ssim"], [float(row["ssim"]) for row in columns])


def test_the_version_of_the_columns_is_said_and_kept(tmp_path):
    folder = write(tmp_path / "bench", seeds=1)
    found = {name: getattr(zoo, name)(folder) for name in ("leaderboard", "runs", "scores")}
    assert {frame.attrs["schema"] for frame in found.values()} == {SCHEMA} == {1}
    promised = [line.split() for line in COLUMNS_OF_VERSION_1.read_text().splitlines()]
    for frame, *columns in promised:
        assert set(columns) <= set(found[frame].columns), "a column went: raise SCHEMA and say which"


def test_seeds_in_two_folders_are_one_row(tmp_path):
    """What one machine did of a bench and what another did: beside each other, or copied together, it is the same."""
    whole = write(tmp_path / "whole", seeds=3)
    parts = [tmp_path / "here", tmp_path / "there"]
    for part, seeds in zip(parts, (("seed0", "seed1"), ("seed1", "seed2")), strict=True):
        for run in whole.glob("runs/*/seed*"):
            if run.name.startswith(seeds):
                shutil.copytree(run, part / "runs" / run.parent.name / run.name)
        rebuild(part)
    beside = zoo.leaderboard(parts)
    assert beside.equals(zoo.leaderboard(whole))
    assert set(beside.loc[beside["model"] == "one", "seeds"]) == {3}
    shutil.copytree(parts[1] / "runs", parts[0] / "runs", dirs_exist_ok=True)
    rebuild(parts[0])
    assert (parts[0] / "leaderboard.csv").read_bytes() == (whole / "leaderboard.csv").read_bytes()


def test_other_runs_of_a_row_have_a_row_of_their_own(tmp_path):
    first, second = write(tmp_path / "first"), write(tmp_path / "second", first=10, gain=0.2)
    table = zoo.leaderboard([first, second])
    assert set(table["model"]) >= {"one (first)", "one (second)", "two (first)", "two (second)"}
    assert sorted(table["rank"].dropna()) == list(range(1, 7))
    printed = CliRunner().invoke(cli, ["leaderboard", str(first), str(second), "--format", "csv"])
    assert printed.exit_code == 0, printed.output
    assert {line.split(",")[3] for line in printed.stdout.splitlines()} >= {"one (first)", "one (second)"}


def test_folders_of_different_protocols_are_refused(tmp_path):
    first, second = write(tmp_path / "first"), write(tmp_path / "second", protocol="ba9876543210")
    with pytest.raises(BadInput, match="different protocols and cannot be ranked together"):
        zoo.leaderboard([first, second])
    refused = CliRunner().invoke(cli, ["leaderboard", str(first), str(second)])
    assert refused.exit_code == 2
    assert "Traceback" not in refused.output


def test_models_and_versions_are_compared_as_a_data_frame(tmp_path):
    first, second = write(tmp_path / "first"), write(tmp_path / "second")
    pairs = zoo.compare("one", "two", "gray", folder=first)
    assert len(pairs) == 3 * 3
    row = pairs[(pairs["a"] == "one") & (pairs["b"] == "two") & (pairs["metric"] == "psnr")].iloc[0]
    assert row["difference"] == pytest.approx(row["mean_a"] - row["mean_b"])
    assert row["low"] < row["difference"] < row["high"]
    changes = zoo.compare(results=(first, second))
    assert (changes["difference"] == 0).all()
    assert set(changes["change"]) == {""}


def test_a_bench_from_python_refuses_what_it_does_not_know():
    with pytest.raises(BadInput, match="did you mean 'seeds'"):
        zoo.bench("gray", seed=3)
