"""The measuring scripts run, keep what they measured, and write tables that are read again. No time is asserted."""

from __future__ import annotations

import csv
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from zoo.harness.results.planned import read_planned
from zoo.harness.results.store import RunFolder
from zoo.harness.run.bench import bench
from zoo.harness.run.request import BenchRequest

ROOT = Path(__file__).parents[1]


def run(module: str, *arguments: object) -> list[str]:
    """What it prints, line by line."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, encoding="utf-8").stdout.splitlines()


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_table_of_typed_rows_comes_back(tmp_path, benchmark_script):
    measured = benchmark_script("measured.py")
    row = msgspec.defstruct("Row", [("name", str), ("px", int), ("s", float | None, None), ("note", str, "")])
    rows = [row("a", 64, 0.12341, "=1, then"), row("b", 128)]
    path = tmp_path / "new" / "table.csv"
    measured.write(path, rows, row)
    assert [msgspec.structs.astuple(each) for each in measured.read(path, row)] == [
        ("a", 64, 0.1234, "=1, then"),
        ("b", 128, None, ""),
    ]
    assert measured.read(tmp_path / "none.csv", row) == []


def test_publishing_some_rows_leaves_what_was_published_of_others(tmp_path, benchmark_script):
    publish, published = benchmark_script("publish.py").publish, tmp_path / "published"
    for models in ("gray", "pyramid"):
        (folder,) = bench(BenchRequest(models=models, baselines=False, suite="smoke", out=tmp_path / models)).runs
        record = RunFolder(folder).record()
        step = tmp_path / models / "step_times" / f"{models}-{record.training_key}.json"
        step.parent.mkdir()
        step.write_text("{}")
        publish(tmp_path / models, published)
    assert {model for _, model in read_planned(published)} == {"gray", "pyramid"}
    assert len(list(published.glob("step_times/*.json"))) == 2
    assert {row["model"] for row in table(published / "leaderboard.csv")} == {"gray", "pyramid"}


@pytest.mark.slow(seconds=60)
def test_the_rivals_take_turns_and_what_is_measured_is_not_measured_again(tmp_path):
    run("rivals", "rates", "target", "--quick", "--device", "cpu", "--out", tmp_path)
    (path,) = (each for each in tmp_path.glob("cpu-*.csv") if "target" not in each.name)
    rows = table(path)
    rivals = {"plain", "plain_2", "bare", "bare_last", "ours"} | ({"lightning"} if find_spec("lightning") else set())
    assert {row["rival"] for row in rows if row["measure"] == "photos_s"} == rivals
    for row in rows:
        assert float(row["lower"]) <= float(row["median"]) <= float(row["upper"])
        assert row["measure"] != "photos_s" or float(row["of_bare"]) > 0
    assert {row["measure"] for row in rows} >= {"photos_s", "peak_mem_mb", "cold_start_s", "target_s"}
    for drawing in (path.with_suffix(".svg"), tmp_path / f"{path.stem}-target.svg"):
        assert ElementTree.parse(drawing).getroot().tag.endswith("svg")
    before = path.read_bytes()
    again = run("rivals", "rates", "target", "--quick", "--device", "cpu", "--out", tmp_path)
    assert [line for line in again if "is left out" not in line] == []
    assert path.read_bytes() == before


@pytest.mark.slow
def test_a_steps_parts_are_the_whole_step(tmp_path):
    run(
        "speed.split",
        "edsr",
        "--px",
        32,
        "--steps",
        1,
        "--turns",
        1,
        "--out",
        tmp_path / "split.csv",
        "--device",
        "cpu",
    )
    (row,) = table(tmp_path / "split.csv")
    parts = [float(row[part]) for part in ("data", "hints", "forward", "backward", "optimiser", "rest")]
    assert min(parts) > 0
    assert sum(parts) == pytest.approx(float(row["step"]), rel=1e-2)


@pytest.mark.slow
def test_a_trial_is_a_ratio(tmp_path):
    run("speed.tried", "features", "sweep", "--quick", "--out", tmp_path / "tried.csv")
    rows = table(tmp_path / "tried.csv")
    assert {row["trial"] for row in rows} == {"features", "sweep"}
    assert all(0 < float(row["lower"]) <= float(row["ratio"]) <= float(row["upper"]) for row in rows)


@pytest.mark.slow(seconds=20)
def test_a_latency_is_kept_row_by_row_and_what_fails_has_a_reason(tmp_path):
    asked = ("--px", 32, 48, "--device", "cpu", "--out", tmp_path)
    run("latency", "edsr", *asked)
    (path,) = tmp_path.glob("*.csv")
    assert [(row["model"], row["px"]) for row in table(path)] == [("edsr", "32"), ("edsr", "48")]
    assert all(float(row["seconds"]) > 0 and float(row["peak_mem_mb"]) > 100 for row in table(path))
    said = run("latency", "gray", "edsr", "--timeout", 0.01, *asked)
    assert said == ["gray 32 px: more than 0.01 s", "gray 48 px: at 32 px: more than 0.01 s"]
    (said,) = run("latency", "edsr", "--px", 8192, "--timeout", 1, *asked[3:])
    assert said == "edsr 8192 px: more than 1 s, reckoned by its pixels of 48 px"


@pytest.mark.slow(seconds=20)
def test_a_bench_costs_a_constant_and_a_slope(tmp_path):
    run("scale.bench_cost", "photos", "--quick", "--out", tmp_path / "bench.csv")
    first, second = table(tmp_path / "bench.csv")
    assert (first["count"], second["count"]) == ("10", "30")
    line = [float(row["constant"]) + float(row["slope"]) * int(row["count"]) for row in (first, second)]
    assert line == pytest.approx([float(first["seconds"]), float(second["seconds"])], rel=1e-2)
