"""A bench seen from elsewhere: what its file says while it is at work, after it, and after it was killed."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from zoo.cli.main import cli
from zoo.core.files import is_locked, locked
from zoo.harness.run.bench import bench
from zoo.harness.run.reporter import SilentReporter
from zoo.harness.run.request import BenchRequest
from zoo.harness.run.status import NAME, read_status, told_in_a_file

QUICK = Path(__file__).parents[3] / "results" / "quick"
RUNS = [SimpleNamespace(name=f"{model} seed 0", folder=f"runs/{model}/seed0-k") for model in ("a", "b", "c", "d", "e")]
OK = SimpleNamespace(ok=True, status="ok", error="", scores={"psnr": 21.5})
OOM = SimpleNamespace(ok=False, status="oom", error="no memory left", scores={})


def watch(folder, *options):
    result = CliRunner().invoke(cli, ["watch", str(folder), *options])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(autouse=True)
def folders(tmp_path):
    """Those of the runs, in which their records would lie."""
    for run in RUNS:
        (tmp_path / run.folder).mkdir(parents=True)


def begun(reporter):
    """One done before, one done, one failed, one at work, one waiting."""
    reporter.planned(["a seed 0", "b seed 0", "c seed 0", "d seed 0"], ["e seed 0"])
    for name, record in (("a seed 0", OK), ("b seed 0", OOM)):
        reporter.started(name)
        reporter.finished(name, record)
    reporter.progress("c seed 0", {"phase": "data", "fraction": 0.0})
    reporter.started("c seed 0")
    state = {"phase": "training", "fraction": 0.25, "step": 45, "seconds": 30.0, "loss": 0.1, "photos_per_s": 6.0}
    reporter._written = float("-inf")  # whatever the clock says
    reporter.progress("c seed 0", state)


def test_every_state_is_seen_while_the_bench_is_at_work(tmp_path):
    with locked(tmp_path / ".lock"), told_in_a_file(SilentReporter(), tmp_path, "quick", RUNS) as reporter:
        begun(reporter)
        before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
        found = json.loads(watch(tmp_path, "--json"))
        printed = watch(tmp_path, "--once")
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert found["at_work"]
    states = {run["name"][0]: run["state"] for run in found["runs"]}
    assert states == {"a": "done", "b": "failed", "c": "running", "d": "pending", "e": "done"}
    running = next(run for run in found["runs"] if run["state"] == "running")
    assert (running["step"], running["seconds"], running["left"]) == (45, 30.0, 90.0)
    first, *rows = printed.splitlines()
    assert first.startswith("quick: 1 running, 1 failed, 1 pending, 2 done")
    told = {row.split()[0]: row for row in rows}
    assert "25%" in told["c"]
    assert "90 s" in told["c"] or "2 min" in told["c"]
    assert "oom: no memory left" in told["b"]
    assert "21.500" in told["a"]


def test_a_bench_that_was_killed_is_not_said_to_be_at_work(tmp_path):
    with locked(tmp_path / ".lock"):
        reporter = told_in_a_file(SilentReporter(), tmp_path, "quick", RUNS)
        begun(reporter.__enter__())  # and nobody comes to end it
        assert is_locked(tmp_path / ".lock")
    assert not is_locked(tmp_path / ".lock")
    printed = watch(tmp_path)  # which ends at once: there is nothing to wait for
    assert "killed; the same command goes on from here" in printed
    assert read_status(tmp_path).of("running") == []


def test_a_run_that_was_removed_is_not_told_of(tmp_path):
    with told_in_a_file(SilentReporter(), tmp_path, "quick", RUNS) as reporter:
        begun(reporter)
    (tmp_path / RUNS[0].folder).rmdir()
    assert [run.name[0] for run in read_status(tmp_path).of("done")] == ["e"]


def test_a_published_folder_is_shown_by_its_records():
    printed = watch(QUICK, "--once").splitlines()
    runs = len(list(QUICK.glob("runs/*/seed*/run.json")))
    assert printed[0] == f"quick: {runs} done; the bench has ended"
    assert len(printed) == 2 + runs


def test_what_is_no_results_folder_is_refused_in_a_sentence(tmp_path):
    result = CliRunner().invoke(cli, ["watch", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "holds no runs" in result.stderr
    (tmp_path / NAME).write_text("{")
    assert CliRunner().invoke(cli, ["watch", str(tmp_path)]).exit_code == 2


@pytest.mark.slow
def test_a_real_bench_is_seen_from_its_plan_to_its_end(small_zoo, suite_file, tmp_path):
    seen = []

    class Looks(SilentReporter):
        def finished(self, run, record):
            status = read_status(tmp_path / "out")
            assert status.at_work
            seen.append({run.name: run.state for run in status.runs})

    bench(BenchRequest(models="small,raises_in_forward", suite=str(suite_file), out=tmp_path / "out", jobs=1), Looks())
    assert seen == [
        {"small seed 0": "done", "raises_in_forward seed 0": "pending"},
        {"small seed 0": "done", "raises_in_forward seed 0": "failed"},
    ]
    status = read_status(tmp_path / "out")
    assert (status.ended, status.at_work) == ("finished", False)
