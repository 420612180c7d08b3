"""A budget of seconds is turned into steps before training begins, once a row."""

from __future__ import annotations

import re
import shutil
from contextlib import nullcontext
from itertools import chain, repeat

import msgspec
import pytest
import torch

from zoo.core.errors import BadInput
from zoo.harness.results.store import RunFolder
from zoo.harness.run import step_times
from zoo.harness.run.bench import bench
from zoo.harness.run.reporter import SilentReporter
from zoo.harness.run.request import BenchRequest
from zoo.harness.run.step_times import StepTime
from zoo.harness.training.budget import Budget


class Notes(SilentReporter):
    def __init__(self):
        self.notes, self.order = [], []

    def started(self, run):
        self.order.append(run)

    def note(self, text):
        self.notes.append(text)


class OnAClock:
    """A training whose steps take what they say of a clock that nothing else moves."""

    def __init__(self, device, seconds, monkeypatch):
        self.device, self.budget, self.step, self.now = torch.device(device), Budget(seconds=20), 0, 0.0
        self.seconds = chain(seconds, repeat(0.25))
        for clock in ("perf_counter", "process_time"):
            monkeypatch.setattr(step_times.time, clock, lambda: self.now)
        monkeypatch.setattr(step_times, "finish", lambda device: None)

    def one_step(self):
        self.now += next(self.seconds)

    taken_back = nullcontext


def test_what_a_gpu_takes_to_get_going_is_no_measure_of_its_steps(monkeypatch):
    """As it was on an H200: the first twenty steps 0.9 s each, those of three sizes, then 0.25."""
    assert step_times.step_seconds(OnAClock("cuda", [3.0] + [0.9] * 20, monkeypatch)) == pytest.approx(0.25)
    assert step_times.step_seconds(OnAClock("cpu", [3.0] + [0.9] * 5, monkeypatch)) == pytest.approx(0.575)


@pytest.fixture
def seconds_suite(suite_file):
    suite_file.write_text(suite_file.read_text().replace("{steps: 8}", "{seconds: 0.1}"))
    return suite_file


def steps(folders):
    return [RunFolder(folder).record().steps for folder in folders if "small" in str(folder)]


@pytest.mark.slow
def test_every_seed_of_a_row_trains_the_steps_that_were_measured_first(small_zoo, seconds_suite, tmp_path):
    request = BenchRequest(models="small,gray", suite=str(seconds_suite), seeds=2, out=tmp_path / "out", jobs=1)
    said = Notes()
    runs = bench(request, said).runs
    assert said.order == ["small seed 0", "gray seed 0", "small seed 1", "gray seed 1"]
    (file,) = request.out.glob("step_times/small-*.json")
    told = msgspec.json.decode(file.read_bytes(), type=StepTime)
    assert told.steps == max(1, int(0.1 / told.step_seconds))
    assert steps(runs) == [told.steps] * 2
    assert any(note.startswith(f"small: {told.steps} steps fill 0.1 s") for note in said.notes)
    # gray has no steps to take
    assert re.fullmatch(
        r"4 runs will take about \S+ s, 1 at a time on cores of their own; every row .* after \S+ s", said.notes[-1]
    )

    # Another machine's folder, or one without the measurement: the records know.
    shutil.rmtree(request.out / "step_times")
    more = bench(msgspec.structs.replace(request, seeds=3), again := Notes()).runs
    assert steps(more) == [told.steps] * 3
    assert again.order == ["small seed 2", "gray seed 2"]
    assert not any("steps fill" in note for note in again.notes)


@pytest.mark.slow
def test_a_row_that_cannot_be_measured_costs_its_own_runs(small_zoo, seconds_suite, tmp_path):
    request = BenchRequest(models="crashes,raises_in_forward,small", suite=str(seconds_suite), out=tmp_path, jobs=3)
    outcome = bench(request, said := Notes())
    assert outcome.failed == ["crashes seed 0", "raises_in_forward seed 0"]
    assert "crashes: a step could not be measured: SIGSEGV" in said.notes
    assert "raises_in_forward: a step could not be measured: division by zero, in forward" in said.notes


@pytest.mark.slow
def test_a_damaged_measurement_is_one_sentence(small_zoo, seconds_suite, tmp_path):
    request = BenchRequest(models="small", suite=str(seconds_suite), out=tmp_path / "out")
    bench(request)
    (file,) = request.out.glob("step_times/*.json")
    file.write_text("{")
    with pytest.raises(BadInput, match=r"cannot be read .*; delete it to measure the row again"):
        bench(msgspec.structs.replace(request, seeds=2))
