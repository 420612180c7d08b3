"""Kills at random moments, few of them here: the very script that prints the published table of faults."""

from __future__ import annotations

import json
import random
import shutil
import sys

import msgspec
import pytest

from zoo.core.registry import current
from zoo.harness.plan.keys import Rules
from zoo.harness.plan.planning import plan_runs, resolve_model
from zoo.harness.plan.suite import describe_data, open_photos
from zoo.harness.run import training_run
from zoo.harness.run.bench import bench
from zoo.harness.run.carry_out import main
from zoo.harness.run.request import BenchRequest, effective_suite

LIGHT = """
from zoo.harness.run.executors import local
local.PRELOAD = ("torch",)  # the models here need no other library, and every start would import them
from zoo.cli.main import main
main()
"""


@pytest.fixture(scope="module")
def kills(benchmark_script):
    return benchmark_script("faults/kills.py")


@pytest.mark.slow(seconds=30)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the script finds processes in /proc")
def test_a_bench_killed_at_random_moments_ends_as_an_undisturbed_one(kills, tmp_path, monkeypatch):
    monkeypatch.setattr(kills, "AIMS", {})  # to wait for a phase takes long
    rng = random.Random(0)
    quiet, disturbed = (kills.Round(tmp_path / name, "gray,unet", 100, rng) for name in ("quiet", "disturbed"))
    for each in (quiet, disturbed):
        each.command[1:3] = ["-c", LIGHT]  # in the place of -m zoo
    code, starting, whole = quiet.undisturbed()
    assert code == 0
    dealt = disturbed.disturbed(4, starting, (whole - starting) / 2)  # early, so that few end before their kill
    disturbed.finish(quiet.results)
    assert dealt
    assert disturbed.problems == []
    assert [problem for kill in dealt for problem in kill.problems] == []
    assert f"| all | | {len(dealt)} | 0 with problems |" in kills.table(dealt)


@pytest.mark.slow
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


class Killed(BaseException):
    """Nothing in a run catches it, as nothing catches SIGKILL."""


@pytest.mark.slow
def test_a_run_killed_at_a_point_of_its_curve_takes_that_point_again(small_zoo, suite_file, tmp_path, monkeypatch):
    """The step of the point is one at which a checkpoint may be written: there is none before its PSNR is taken."""
    request = BenchRequest(models="small", suite=str(suite_file), budget="steps=60", device="cpu")
    suite = msgspec.structs.replace(effective_suite(request), curve=3)
    data = describe_data(suite, open_photos(suite))
    (run,) = plan_runs("small", resolve_model("small", suite), Rules(suite, data, "cpu"))
    files = [str(file) for file in current().files]

    def curve(results):
        folder = results / run.folder
        folder.mkdir(parents=True, exist_ok=True)
        told = {"registry_files": files, "results": str(results), "folder": str(folder)}
        payload = {**told, "run": msgspec.to_builtins(run)}
        main(payload, lambda message: None, lambda: False)
        return [(point["step"], point["psnr"]) for point in json.loads((folder / "run.json").read_text())["curve"]]

    whole = curve(tmp_path / "whole")
    assert [step for step, _ in whole] == [20, 40, 60]

    def dies(*_, **__):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(training_run, "score_colorizer", dies)
        with pytest.raises(Killed):
            curve(tmp_path / "killed")
    assert any((tmp_path / "killed").glob("runs/*/*/checkpoint.pt")), "there is something to go on from"
    assert curve(tmp_path / "killed") == whole
