"""Kills at random moments, few of them here: the very script that prints the published table of faults."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

from zoo.harness.bench.bench import BenchRequest, bench


@pytest.fixture(scope="module")
def kills():
    path = Path(__file__).parents[3] / "benchmarks" / "faults" / "kills.py"
    spec = importlib.util.spec_from_file_location("kills_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the script finds processes in /proc")
def test_a_bench_killed_at_random_moments_ends_as_an_undisturbed_one(kills, tmp_path):
    dealt = kills.deal(tmp_path, 4, models="gray,unet", steps=60)
    assert len(dealt) == 4
    assert [problem for kill in dealt for problem in kill.problems] == []
    assert "| all | | 4 | 0 with problems |" in kills.table(dealt)


def test_the_script_sees_what_is_lost_changed_or_half_written(kills, small_zoo, suite_file, tmp_path):
    whole, other = tmp_path / "whole", tmp_path / "other"
    bench(BenchRequest(models="small,gray", suite=str(suite_file), out=whole))
    shutil.copytree(whole, other)
    assert kills.differences(whole, other) == []
    finished = kills.Finished(other)
    assert finished.check() == finished.check() == []
    assert finished.runs() == 2

    small, gray = (next(other.glob(f"runs/{model}/*")) for model in ("small", "gray"))
    log = small / "log.jsonl"
    log.write_text(log.read_text().replace('"psnr": ', '"psnr": 1'))
    weights = small / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    (gray / "scores.csv").unlink()
    for name in ("runs.csv", "leaderboard.csv"):
        table = (other / name).read_text()
        (other / name).write_text(table[: len(table) // 2])
    found = kills.differences(whole, other)
    for path in (log, weights, gray / "scores.csv", other / "runs.csv", other / "leaderboard.csv"):
        assert f"{path.relative_to(other)} differs" in found
    assert len(found) == 5
    (gray / "run.json").write_text("{")
    problems = "\n".join(finished.check())
    for sentence in (
        f"{weights} was finished, and is changed",
        f"{gray / 'scores.csv'} was finished, and is lost",
        f"{gray / 'run.json'} was finished, and is changed",
        f"{gray / 'run.json'} cannot be read",
        f"{other / 'runs.csv'} is cut short",
    ):
        assert sentence in problems
