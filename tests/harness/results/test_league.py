"""What a table tells: one story in ranks, intervals and notes, of the runs that belong together and of no others."""

from __future__ import annotations

import csv
import json
import runpy
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

from zoo.harness.results.frames import leaderboard
from zoo.harness.results.leaderboard import Board, rebuild
from zoo.harness.results.report.cost_plots import cost_plots
from zoo.harness.results.run_record import DISTURBED
from zoo.harness.results.store import RunFolder

QUICK = Path(__file__).parents[3] / "results" / "quick"
WRITER = runpy.run_path(str(Path(__file__).with_name("synthetic_results.py")))


@pytest.fixture(scope="module")
def quick(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("quick")
    shutil.copytree(QUICK / "runs", folder / "runs")
    rebuild(folder)
    return folder


@pytest.fixture
def results(tmp_path) -> Path:
    WRITER["write_results"](tmp_path, ["one", "two", "three", "four", "five"], photos=12, failing=(), pictures=False)
    return tmp_path


def runs_of(folder: Path, label: str) -> list[RunFolder]:
    found = [RunFolder(path.parent) for path in sorted(folder.glob("runs/*/*/run.json"))]
    return [run for run in found if run.record().label == label]


def change(run: RunFolder, **changes) -> None:
    run.write_record(msgspec.structs.replace(run.record(), **changes))


def change_provenance(run: RunFolder, **changes) -> None:
    change(run, provenance=msgspec.structs.replace(run.record().provenance, **changes))


def row_of(folder: Path, label: str) -> dict[str, str]:
    with (folder / "leaderboard.csv").open(newline="") as file:
        return next(row for row in csv.DictReader(file) if row["model"] == label)


@pytest.mark.slow
def test_ranks_brackets_and_differences_tell_one_story(quick):
    table = leaderboard(quick)
    ranked = table[table["rank"].notna()]
    assert list(ranked["rank"]) == sorted(ranked["rank"])
    for end in ("rank_lo", "rank_hi"):
        assert ranked[end].is_monotonic_increasing, "no row may hope for a place that a better one may not"
    for _, row in ranked.iterrows():
        assert row["rank_lo"] <= row["rank"] <= row["rank_hi"]
        tied = row["psnr_to_best_lo"] <= 0 <= row["psnr_to_best_hi"]
        assert tied == (row["rank_lo"] == 1) == ("tied_with_best" in row["notes"])
    assert ranked["first"].sum() == pytest.approx(1, abs=0.02)


def test_who_was_told_the_truth_or_has_no_colours_to_lose_is_shown_and_not_ranked(quick):
    table = leaderboard(quick).set_index("model")
    for model in ("oracle_quarter", "gray", "mean_ab"):
        assert table.loc[model, "psnr"] > 0
        assert table.loc[model, ["rank", "psnr_to_best", "first"]].isna().all()
        assert "not ranked" in table.loc[model, "notes"]
    assert table.loc["levin2004", "rank"] > 0, "a baseline that colorizes takes part"
    assert set(table["kind"]) == {"model", "baseline", "mean of draws", "best of draws"}
    assert table[table["kind"].str.contains("draws")]["rank"].isna().all()


def test_pareto_fronts_are_of_models_only(quick):
    league = Board.read(quick).leagues[0]
    kinds = {row.label: row.kind.value for row in league.rows}
    for cost, plot in cost_plots(league):
        on_front = [series.label for series in plot.series if series.title.endswith("on the Pareto front")]
        assert on_front, cost.name
        assert {kinds[label] for label in on_front} == {"model"}, cost.name


def test_runs_of_two_machines_say_so_and_their_costs_are_not_averaged(results):
    first, second = runs_of(results, "one")
    change_provenance(second, commit="fffffff", machine="another", finished="2026-02-02T00:00:00Z")
    change(second, costs={**second.record().costs, "infer_ms": 900.0})
    rebuild(results)
    row = row_of(results, "one")
    assert "its runs were made apart: machine unknown | another, commit abc1234 | fffffff" in row["notes"]
    assert row["commit"] == "fffffff"
    assert float(row["infer_ms"]) == 900.0, "the latest machine's alone"
    assert "made apart" not in row_of(results, "two")["notes"]
    assert first.record().costs["infer_ms"] < 10


def test_costs_are_those_of_the_device_that_most_runs_of_the_table_were_made_on(results):
    first, second = runs_of(results, "one")
    change_provenance(second, device="cuda (a card)", finished="2026-02-02T00:00:00Z")
    change(second, costs={**second.record().costs, "infer_ms": 900.0})
    rebuild(results)
    row = row_of(results, "one")
    assert row["device"] == "cpu", "though the run on the card ended later"
    assert float(row["infer_ms"]) < 10
    assert (
        row["notes"].count(
            "its runs were made apart: device cpu | cuda (a card); the costs are those of the latest on cpu"
        )
        == 1
    )
    assert int(row["seeds"]) == 2, "its score counts"
    for path in results.glob("runs/*/*/run.json"):
        if path.parent != first.path:
            change_provenance(RunFolder(path.parent), device="cuda (a card)", finished="2026-02-02T00:00:00Z")
    rebuild(results)
    assert float(row_of(results, "one")["infer_ms"]) == 900.0, "all but one are of the card now"


@pytest.mark.parametrize("disturbed", [(), (0,), (1,), (0, 1)])
def test_costs_are_of_runs_with_nothing_beside_where_there_are_any(results, disturbed):
    runs = runs_of(results, "one")
    for number, run in enumerate(runs):
        notes = [f"{DISTURBED}: training waited 0.{number + 3}0 s a second for a core"] if number in disturbed else []
        change(run, costs={**run.record().costs, "infer_ms": 10.0 + number}, notes=notes)
    rebuild(results)
    every = range(len(runs))
    told = [number for number in every if number not in disturbed] or every
    row = row_of(results, "one")
    assert float(row["infer_ms"]) == pytest.approx(sum(10.0 + number for number in told) / len(told), abs=0.01)
    for number in every:
        assert (f"0.{number + 3}0 s" in row["notes"]) == (number in disturbed and number in told)


def test_a_copy_of_a_run_is_no_further_seed(results):
    run = runs_of(results, "one")[0]
    real = run.path.with_name(f"seed0-{run.record().key}")
    for copy in (
        real.with_name(real.name + ".bak"),
        real.with_name("seed9-0123"),
        results / "runs" / "copy" / real.name,
    ):
        shutil.copytree(run.path, copy)
    rebuild(results)
    assert row_of(results, "one")["seeds"] == "2"
    left_out = Board.read(results).runs.left_out
    assert len(left_out) == 2, "the third has not even the name of a run"
    assert all(sentence.endswith("it is left out.") for sentence in left_out)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("scores.csv", b""),
        ("scores.csv", b"image,psnr\nx"),
        ("scores.csv", b"image,psnr\nx,1\nx,inf\n"),
        ("scores.csv", b"a,b\n1,2\n"),
        ("scores.csv", None),
        ("run.json", b"{"),
        ("run.json", b"\xff"),
        ("hints.csv", b"sweep,level\n"),
    ],
)
def test_an_odd_file_costs_its_run_and_no_other(results, file, content):
    path = runs_of(results, "two")[0].path / file
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    rebuild(results)
    assert [row_of(results, label)["seeds"] for label in ("one", "three")] == ["2", "2"]
    board = Board.read(results)
    assert len(board.hint_rows) > 0
    if file == "scores.csv":
        row = row_of(results, "two")
        assert (row["seeds"], row["status"]) == ("1", "damaged")
        assert "scores.csv" in row["error"]
        assert "1 of 2 seeds finished" in row["notes"]
    else:
        assert any(file in sentence for sentence in board.runs.left_out)


def test_what_has_not_changed_is_not_read_again(results, monkeypatch):
    before = Board.read(results)
    read = []
    record = RunFolder.record
    monkeypatch.setattr(RunFolder, "record", lambda self: read.append(self.path) or record(self))
    again = Board.read(results, before)
    assert read == []
    assert [run.record for run in again.runs] == [run.record for run in before.runs]
    changed = runs_of(results, "two")[0]
    read.clear()
    row = json.loads((changed.path / "run.json").read_text())
    (changed.path / "run.json").write_text(json.dumps({**row, "notes": ["changed"]}))
    after = Board.read(results, again)
    assert read == [changed.path]
    assert ["changed"] in [run.record.notes for run in after.runs]


def test_an_error_of_two_million_characters_leaves_the_table_readable(results):
    run = runs_of(results, "two")[0]
    record = msgspec.structs.replace(run.record(), status="plugin_error", error="x" * 2_000_000)
    (run.path / "run.json").write_text(record.json())
    rebuild(results)
    assert len(leaderboard(results).set_index("model").loc["two", "error"]) < 40_000
    assert row_of(results, "two")["status"] == "plugin_error", "the csv module's own reader reads it too"


def test_a_score_that_is_missing_takes_the_row_out_of_the_ranking_and_says_so(results):
    run = runs_of(results, "two")[0]
    names, scores = run.scores()
    scores["psnr"][3] = float("nan")
    run.write_scores(names, scores)
    rebuild(results)
    assert row_of(results, "two")["rank"] == ""
    assert "some of its photos have no PSNR" in row_of(results, "two")["notes"]
    assert row_of(results, "one")["rank"] == "1"


def test_what_a_row_gains_over_gray_is_paired_by_photo(tmp_path):
    WRITER["write_results"](tmp_path, ["one", "two", "mean_ab", "gray"], photos=12, failing=(), pictures=False)
    rebuild(tmp_path)

    def psnr(label: str) -> np.ndarray:
        return np.array([run.scores()[1]["psnr"] for run in runs_of(tmp_path, label)])

    gray = psnr("gray").mean(axis=0)
    for label in ("one", "two", "mean_ab"):
        row = row_of(tmp_path, label)
        assert float(row["psnr_over_gray"]) == pytest.approx((psnr(label) - gray).mean(), abs=5e-4)
        low, high = float(row["psnr_over_gray_lo"]), float(row["psnr_over_gray_hi"])
        assert low < float(row["psnr_over_gray"]) < high
        wide = float(row["psnr_hi"]) - float(row["psnr_lo"])
        assert high - low < wide / 2, "the photos' own differences are in both"
    shutil.rmtree(runs_of(tmp_path, "gray")[0].path.parent)
    rebuild(tmp_path)
    assert row_of(tmp_path, "one")["psnr_over_gray"] == ""


def test_a_curve_over_hints_is_told_by_its_mean_height(results):
    """The curves of these runs are straight over log(1 + hints), and so as high on the average as in their middle."""
    rebuild(results)
    of_photos = np.mean([21 + i % 5 for i in range(12)])
    for place, label in enumerate(["one", "two", "three"]):
        row = row_of(results, label)
        middle = of_photos - 0.2 * place + (1.2 - 0.05 * place) * np.log(201) / 2
        assert float(row["hint_area"]) == pytest.approx(middle, abs=1e-3)
        assert float(row["hint_area_lo"]) < middle < float(row["hint_area_hi"])


def test_the_area_of_published_curves_is_that_of_their_levels(quick):
    """Between levels the curve is straight over log(1 + hints): each piece by hand, from what hints.csv says."""
    hints = pd.read_csv(quick / "hints.csv")
    for label in ("residual_unet", "levin2004", "gray"):
        curve = hints[(hints["model"] == label) & (hints["sweep"] == "points6")].sort_values("level")
        x, y = np.log(1 + curve["level"].to_numpy()), curve["psnr"].to_numpy()
        pieces = sum((x[i + 1] - x[i]) * (y[i + 1] + y[i]) / 2 for i in range(len(x) - 1))
        assert float(row_of(quick, label)["hint_area"]) == pytest.approx(pieces / (x[-1] - x[0]), abs=2e-3)


def test_without_a_whole_curve_there_is_no_area(results):
    damaged = runs_of(results, "one")[-1]
    damaged.write_hint_scores(damaged.hint_scores()[1:])
    blank = runs_of(results, "two")[0]
    (blank.path / "hints.csv").write_text("sweep,level\n")
    rebuild(results)
    for label, known in (("one", False), ("two", False), ("three", True)):
        assert bool(row_of(results, label)["hint_area"]) is known
