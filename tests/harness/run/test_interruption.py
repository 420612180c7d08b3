"""Stops of every kind: the same command goes on, to the numbers of a run that was never stopped."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal

import pytest

from zoo.core.files import locked
from zoo.harness.run.bench import bench
from zoo.harness.run.request import BenchRequest

MODELS = "small,gray"


@pytest.fixture
def long_suite(suite_file):
    """Long enough to be stopped in the middle, also on a busy machine; its batches come at several sizes."""
    suite_file.write_text(suite_file.read_text().replace("steps: 8", "steps: 600") + "train_sizes: [24, 32, 40]\n")
    return suite_file


def small_scores(out):
    return next(out.glob("runs/small/seed0-*/scores.csv")).read_bytes()


@pytest.mark.slow(seconds=30)
def test_killed_and_interrupted_runs_end_as_if_nothing_had_been(small_zoo, long_suite, start_bench, wait_for, tmp_path):
    undisturbed = tmp_path / "undisturbed"
    bench(BenchRequest(models=MODELS, suite=str(long_suite), out=undisturbed))

    for number, expected in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 130), (signal.SIGINT, 130)):
        out = tmp_path / number.name
        process = start_bench(MODELS, small_zoo, long_suite, out)
        wait_for(lambda out=out: any(out.glob("runs/small/*/checkpoint.pt")), process)
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # as a terminal does it
        else:
            process.send_signal(number)
        assert process.wait() == expected
        if number != signal.SIGKILL:
            assert any(out.glob("runs/small/*/run.json")), "the stopped run has a row"
        bench(BenchRequest(models=MODELS, suite=str(long_suite), out=out))
        assert small_scores(out) == small_scores(undisturbed), number.name
        log = next(out.glob("runs/small/*/log.jsonl")).read_text()
        assert log.count('"step": 300,') == next(undisturbed.glob("runs/small/*/log.jsonl")).read_text().count(
            '"step": 300,'
        )


@pytest.mark.slow(seconds=15)
def test_a_run_of_seconds_that_was_killed_has_the_length_it_was_begun_with(
    small_zoo, suite_file, start_bench, wait_for, tmp_path
):
    suite_file.write_text(suite_file.read_text().replace("steps: 8", "seconds: 1.0"))
    whole, out = tmp_path / "whole", tmp_path / "out"
    bench(BenchRequest(models=MODELS, suite=str(suite_file), out=whole))
    shutil.copytree(whole / "step_times", out / "step_times")
    process = start_bench(MODELS, small_zoo, suite_file, out)
    wait_for(lambda: any(out.glob("runs/small/*/checkpoint.pt")), process)
    process.kill()
    process.wait()
    shutil.rmtree(out / "step_times")  # the checkpoint knows
    bench(BenchRequest(models=MODELS, suite=str(suite_file), out=out))
    assert small_scores(out) == small_scores(whole)


@pytest.mark.slow
def test_a_damaged_checkpoint_means_starting_anew(small_zoo, long_suite, start_bench, wait_for, tmp_path):
    out = tmp_path / "results"
    process = start_bench(MODELS, small_zoo, long_suite, out)
    wait_for(lambda: any(out.glob("runs/small/*/checkpoint.pt")), process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    checkpoint = next(out.glob("runs/small/*/checkpoint.pt"))
    with locked(checkpoint.with_name(".lock")):  # the run's own process has seen that the bench is gone
        pass
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    bench(BenchRequest(models="small", suite=str(long_suite), out=out))
    assert b"started anew" in next(out.glob("runs/small/*/run.json")).read_bytes()


@pytest.mark.slow(seconds=15)
def test_two_benches_at_once_share_the_work(small_zoo, long_suite, start_bench, tmp_path):
    out = tmp_path / "results"
    processes = [start_bench(MODELS, small_zoo, long_suite, out) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert len(list(out.glob("runs/*/*/run.json"))) == 2
    with contextlib.closing((out / "runs.csv").open()) as file:
        assert len(file.readlines()) == 3
