"""What every executor is held to, ours and yours: what becomes of a run, whatever happens to it."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import time

import msgspec
import pytest

from zoo.core.assemble import make
from zoo.harness.plan.keys import Rules
from zoo.harness.plan.planning import plan_runs, resolve_model
from zoo.harness.plan.suite import describe_data, load_suite, open_photos
from zoo.harness.results.store import RunFolder
from zoo.harness.run.bench import BenchRequest, bench
from zoo.harness.run.executors import slurm
from zoo.harness.run.reporter import SilentReporter
from zoo.harness.training.budget import Budget

LONGEST = 600
"""Seconds until a test gives up: how long anything takes says something of the machine only."""

EXECUTORS = {
    "local": {"name": "local"},
    "ray": {"name": "ray", "cpus": 0.5},
    "slurm": {"name": "slurm", "cluster": "local", "gpus": 0},  # submitit's own, which needs no Slurm
}
LIBRARY = {"ray": "ray", "slurm": "submitit"}


@pytest.fixture(scope="module")
def cluster():
    """A Ray cluster of this machine alone, for all tests here: it takes long to start."""
    import ray

    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=100 * 2**20)
    yield
    ray.shutdown()


@pytest.fixture(params=EXECUTORS)
def asked(request, small_zoo, monkeypatch):
    """An executor with its options, of which there is the library."""
    if importlib.util.find_spec(LIBRARY.get(request.param, "zoo")) is None:
        pytest.skip(f"needs the extra {request.param}")
    if request.param == "ray":
        request.getfixturevalue("cluster")
    monkeypatch.setattr(slurm, "_POLL_SECONDS", 0.02)  # of a scheduler of this machine may be asked often
    return EXECUTORS[request.param]


@pytest.fixture
def submit(asked, suite_file, tmp_path):
    """Plans a run of a model and submits it; gives the executor, the task and the run's folder."""
    with contextlib.closing(make("executors", asked)) as executor:
        suite = load_suite(str(suite_file))
        assert executor.room(suite, "cpu", None) >= 1
        data = describe_data(suite, open_photos(suite))

        def submitted(model, steps=8):
            planned = msgspec.structs.replace(suite, budget=Budget(steps=steps))
            (run,) = plan_runs(model, resolve_model(model, planned), Rules(planned, data, "cpu"))
            folder = RunFolder(tmp_path / "results" / run.folder)
            folder.path.mkdir(parents=True, exist_ok=True)
            return run, executor.submit(run, tmp_path / "results"), folder

        submitted.executor = executor
        yield submitted


def until(submit, task, condition):
    """Messages, until the condition holds of them or the task has ended."""
    said = []
    deadline = time.monotonic() + LONGEST
    while task.alive and not condition(said):
        assert time.monotonic() < deadline
        submit.executor.wait([task], 1.0)
        said += task.messages()
    return said + task.messages()


def ended(submit, task):
    return until(submit, task, lambda said: False)


def trains(said):
    return any(message.get("phase") == "training" for message in said)


@pytest.mark.slow
def test_a_run_comes_home_with_its_record_and_has_told_how_far_it_was(submit):
    _, task, folder = submit("small")
    said = ended(submit, task)
    assert (task.exitcode, task.waiting) == (0, False)
    assert folder.record().ok
    assert folder.finished(), "its weights are here"
    assert not folder.checkpoint.exists()
    assert (folder.path / "output.log").is_file()
    phases = list(dict.fromkeys(message["phase"] for message in said if "phase" in message))
    assert phases == ["data", "training", "evaluating"]
    assert {"fraction", "loss", "photos_per_s", "step", "seconds"} <= max(said, key=len).keys()


@pytest.mark.slow(seconds=15)
def test_a_stopped_run_leaves_a_checkpoint_and_goes_on_from_it_to_the_same_numbers(submit, tmp_path):
    run, task, folder = submit("small", steps=600)
    until(submit, task, trains)
    task.stop()
    ended(submit, task)
    assert folder.record().status == "interrupted"
    assert folder.checkpoint.is_file()
    cut = [entry.step for entry in folder.logged()]
    again = submit.executor.submit(run, tmp_path / "results")
    ended(submit, again)
    assert folder.record().ok
    whole = [entry.step for entry in folder.logged() if entry.point is None]
    assert whole == list(range(10, 601, 10))
    assert 0 < max(cut) < 600


@pytest.mark.slow
def test_a_killed_run_is_over_and_does_not_come_back(submit):
    _, task, folder = submit("hangs")
    until(submit, task, lambda said: said)  # it has said that it is at work
    assert not task.waiting
    task.kill()
    task.join(60)
    assert not task.alive
    assert task.exitcode < 0
    assert folder.record() is None


@pytest.mark.slow
@pytest.mark.parametrize("asked", ["slurm"], indirect=True)
def test_a_killed_job_ends_its_run_itself_where_nobody_cancels_it(submit, tmp_path, ended):
    _, task, _ = submit("hangs")
    until(submit, task, lambda said: said)
    (job,) = begun(tmp_path / "results")
    assert not ended(job, 0)
    task.job.cancel = lambda check: None  # as SIGINT is where it is ignored
    task.kill()
    assert ended(job, LONGEST)


def begun(results):
    """The processes of the jobs that have begun, in the order of their lives."""
    (said,) = (results / ".jobs").glob("*.jsonl")
    lines = map(json.loads, said.read_text().splitlines())
    return [message["begun"] for message in lines if "begun" in message]


class Planned(Exception):
    """The runs that are to be done."""


class ToldThePlan(SilentReporter):
    def planned(self, runs, done):
        raise Planned(runs)  # what becomes of them is known by then


@pytest.mark.slow(seconds=60)
def test_whatever_ends_a_run_is_its_row_and_the_same_command_tries_again_what_may_be_tried(asked, suite_file, tmp_path):
    expected = {
        "small": ("ok", ""),
        "diverges": ("diverged", "not finite"),
        "raises_in_forward": ("plugin_error", "ZeroDivisionError"),
        "crashes": ("error", "SIGSEGV"),
        "is_killed": ("interrupted", "signal 9"),
    }
    request = {"suite": str(suite_file), "out": tmp_path / "results", "executor": asked["name"]}
    request["options"] = {f"executor.{name}": value for name, value in asked.items() if name != "name"}
    outcome = bench(BenchRequest(models=",".join(expected), device="cpu", **request))
    assert len(outcome.failed) == len(expected) - 1
    found = {record.model: record for record in (RunFolder(path).last_record() for path in outcome.runs)}
    for model, (status, reason) in expected.items():
        assert found[model].status == status, found[model]
        assert reason in found[model].error
    # By itself: on a busy machine any run would be late under a timeout that is short.
    assert bench(BenchRequest(models="hangs", timeout=5, device="cpu", **request)).failed
    (record,) = (RunFolder(path).last_record() for path in (tmp_path / "results").glob("runs/hangs/*"))
    assert record.status == "timeout"
    with pytest.raises(Planned) as again:
        bench(BenchRequest(models="small,diverges,is_killed", device="cpu", **request), ToldThePlan())
    assert again.value.args == (["is_killed seed 0"],)


@pytest.mark.slow(seconds=20)
@pytest.mark.skipif(importlib.util.find_spec("submitit") is None, reason="needs the extra slurm")
def test_a_job_that_slurm_preempts_is_queued_again_and_goes_on_from_its_checkpoint(small_zoo, suite_file, tmp_path):
    """Slurm warns a job by SIGUSR2; submitit's local executor queues it again as Slurm would."""
    suite_file.write_text(suite_file.read_text().replace("steps: 8", "steps: 600"))
    preempted, notes = [], []

    class Preempts:
        def progress(self, run, state):
            if state["phase"] == "training" and not preempted:
                preempted.extend(begun(tmp_path / "results"))
                os.kill(preempted[0], signal.SIGUSR2)

        def __getattr__(self, name):
            return lambda *given: notes.append((name, given))

    options = {"executor.cluster": "local", "executor.gpus": 0}
    request = {"models": "small", "suite": str(suite_file), "device": "cpu"}
    bench(BenchRequest(**request, executor="slurm", options=options, out=tmp_path / "results"), Preempts())
    assert preempted
    (said,) = (tmp_path / "results" / ".jobs").glob("*.jsonl")
    lines = said.read_text()
    assert (lines.count('"begun"'), lines.count('"waits"')) == (2, 1)
    bench(BenchRequest(**request, out=tmp_path / "local"))
    scores = [next(tmp_path.glob(f"{name}/runs/small/*/scores.csv")).read_bytes() for name in ("results", "local")]
    assert scores[0] == scores[1]
    assert [name for name, _ in notes].count("started") == 1
