"""One run a GPU, and cores shared out; the GPUs are made up, their names reach the runs."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from zoo.harness.plan.keys import Rules
from zoo.harness.plan.planning import plan_runs, resolve_model
from zoo.harness.plan.suite import load_suite
from zoo.harness.results.run_record import Data, Photos
from zoo.harness.run.executors import local
from zoo.harness.run.executors.local import LocalExecutor
from zoo.harness.training import device as devices

TOLD = """
import os, time

def main(payload, send, stop):
    send({"card": os.environ.get("CUDA_VISIBLE_DEVICES"), "cores": sorted(os.sched_getaffinity(0))})
    while not stop():
        time.sleep(0.01)
"""


@pytest.fixture
def two_cards(monkeypatch):
    card = SimpleNamespace(name="Made up", total_memory=2**34)
    cuda = SimpleNamespace(
        is_available=lambda: True,
        device_count=lambda: 2,
        get_device_properties=lambda index: card,
        get_device_capability=lambda device: (9, 0),
    )
    monkeypatch.setattr(devices, "CUDA", cuda)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Submits so many runs, and gives what each says of its place."""
    (tmp_path / "told.py").write_text(TOLD)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    suite = load_suite("smoke")
    data = Data(Photos("photos", 1), Photos("photos", 1))
    (run,) = plan_runs("gray", resolve_model("gray", suite), Rules(suite, data, "cpu"))

    def submit(executor: LocalExecutor, count: int):
        tasks = [executor.submit(run, tmp_path, function="told:main") for _ in range(count)]
        found = []
        for task in tasks:
            while not (messages := task.messages()):
                assert task.alive
                executor.wait([task], 1)
            found += messages
        for task in tasks:
            task.stop()
            task.join(60)
        return found

    return submit


@pytest.mark.slow
def test_every_gpu_is_used_and_the_cores_are_shared_out(two_cards, told, monkeypatch):
    executor, suite = LocalExecutor(), load_suite("gachon128")
    assert executor.room(suite, "auto", None) == 2
    found = told(executor, 2)
    assert [each["card"] for each in found] == ["0", "1"]
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        assert not set(found[0]["cores"]) & set(found[1]["cores"])
    assert executor.room(suite, "auto", 4) == 4, "more runs than GPUs share them"
    assert [each["card"] for each in told(executor, 4)] == ["0", "1", "0", "1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7")
    executor.room(suite, "auto", None)
    assert [each["card"] for each in told(executor, 2)] == ["5", "7"], "the user's choice is dealt out"


@pytest.mark.slow
def test_a_place_that_is_free_again_is_the_next_one_taken(two_cards, told):
    executor = LocalExecutor()
    executor.room(load_suite("gachon128"), "auto", None)
    assert [told(executor, 1)[0]["card"] for _ in range(3)] == ["0", "0", "0"]


@pytest.mark.slow
def test_runs_on_the_cpu_keep_their_threads_and_all_cores(told, monkeypatch):
    executor, suite = LocalExecutor(), load_suite("quick")
    monkeypatch.setattr(local, "usable_cores", lambda: 6)
    assert executor.room(suite, "cpu", None) == 6, "its runs have one thread each"
    assert executor.room(load_suite("gachon128"), "cpu", None) == 1, "its runs take all cores"
    assert executor.room(suite, "cpu", 2) == 2
    for each in told(executor, 2):
        assert (each["card"], each["cores"]) == (
            os.environ.get("CUDA_VISIBLE_DEVICES"),
            sorted(os.sched_getaffinity(0)),
        )


def test_cores_are_dealt_out_whole():
    cores = len(os.sched_getaffinity(0))
    dealt = local._shares(cores, cores)
    assert sorted(core for share in dealt for core in share) == sorted(os.sched_getaffinity(0))
    assert all(len(share) == 1 for share in local._shares(cores, 3 * cores)[:-1])
