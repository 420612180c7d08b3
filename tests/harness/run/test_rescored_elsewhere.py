"""Trained runs under a suite that trains nothing: a row each, among the others, which says where it was trained."""

from __future__ import annotations

import json

import pytest

from zoo.core.errors import BadInput
from zoo.core.files import read_csv
from zoo.harness.results.card import card
from zoo.harness.results.store import RunFolder
from zoo.harness.run.bench import bench
from zoo.harness.run.request import BenchRequest

UNTRAINED = """
trains: false
size: 48
eval_hints: {name: pixels, densities: [0.1]}
sweeps: {dots: {hints: points, counts: [0, 2]}}
test_limit: 3
metrics: [psnr, ssim]
threads: 1
"""


@pytest.fixture
def untrained(tmp_path):
    file = tmp_path / "untrained.yaml"
    file.write_text(UNTRAINED)
    return str(file)


@pytest.mark.slow
def test_runs_of_another_suite_are_rows_beside_the_untrained(small_zoo, suite_file, untrained, tmp_path):
    trained = tmp_path / "trained"
    bench(BenchRequest(models="small", suite=str(suite_file), seeds=2, out=trained))
    runs = tuple(sorted(trained.glob("runs/small/seed*")))
    out = tmp_path / "out"
    bench(BenchRequest(models="nearest", suite=untrained, baselines=True, out=out))
    bench(BenchRequest(rescored=runs, suite=untrained, out=out))
    rows = {row["model"]: row for row in read_csv(out / "leaderboard.csv")[1]}
    assert {"nearest", "gray", "levin2004", "small (tiny)"} <= set(rows)
    assert len({row["protocol"] for row in rows.values()}) == 1, "so that they are ranked together"
    row = rows["small (tiny)"]
    assert (row["seeds"], row["status"], row["images"]) == ("2", "ok", "3")
    assert "trained under 'tiny' at 32 px on 224 photos of photos" in row["notes"]
    assert row["data"] == "photos 224 / photos 3"
    assert float(row["train_img_s"]) > 0, "what its training cost is not measured anew"
    records = [json.loads(path.read_text()) for path in out.glob("runs/small/*/run.json")]
    assert {len(record["hints"]) for record in records} == {2}, "its hint sweeps are those of this suite"
    made = {path: path.stat().st_mtime_ns for path in out.glob("runs/*/*/run.json")}
    bench(BenchRequest(rescored=runs, suite=untrained, out=out))
    assert {path: path.stat().st_mtime_ns for path in made} == made, "what is done is not done again"


def test_a_suite_that_trains_takes_no_runs(tmp_path):
    with pytest.raises(BadInput, match="'smoke' trains its rows; name one that trains nothing"):
        bench(BenchRequest(rescored=(tmp_path,), suite="smoke", out=tmp_path / "out"))


def test_what_is_no_finished_run_is_refused_before_anything_is_written(untrained, tmp_path):
    with pytest.raises(BadInput, match=r"holds no run\.json; name the folder of a finished run"):
        bench(BenchRequest(rescored=(tmp_path,), suite=untrained, out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_row_and_a_report_say_all_sizes_that_a_run_was_trained_at(small_zoo, suite_file, untrained, tmp_path):
    suite_file.write_text(suite_file.read_text() + "train_sizes: [40, 24, 40]\n")
    trained, out = tmp_path / "trained", tmp_path / "out"
    bench(BenchRequest(models="small", suite=str(suite_file), out=trained))
    (folder,) = trained.glob("runs/small/seed*")
    assert RunFolder(folder).record().protocol.train_sizes == [40, 24, 40]
    report = (trained / "report.html").read_text(encoding="utf-8")
    assert "training crops from 40 px, a batch at 24, 40 px" in report
    assert "4 photos a step of 32 px or as many pixels at another size (24, 40 px)" in card(folder)
    bench(BenchRequest(rescored=(folder,), suite=untrained, out=out))
    (row,) = read_csv(out / "leaderboard.csv")[1]
    assert "trained under 'tiny' at 24, 40 px on 224 photos of photos" in row["notes"]
