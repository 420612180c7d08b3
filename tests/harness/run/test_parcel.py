"""What goes to a machine without our disk and what comes back: whole, the record last, as the run has left it."""

from __future__ import annotations

import os

import msgspec
import pytest

from zoo.core.errors import BadInput
from zoo.harness.plan.keys import Rules
from zoo.harness.plan.planning import plan_runs, resolve_model
from zoo.harness.plan.suite import load_suite
from zoo.harness.results.run_record import Data, Photos, here_and_now
from zoo.harness.results.store import RunFolder
from zoo.harness.run import parcel


@pytest.fixture
def run():
    suite = load_suite("smoke")
    rules = Rules(suite, Data(Photos("photos", 1), Photos("photos", 1)), "cpu")
    (run,) = plan_runs("gray", resolve_model("gray", suite), rules)
    return run


def record(run, status):
    scored = {"images": 1, "costs": {"train_s": 0.0}} if status == "ok" else {}
    return run.record(here_and_now("cpu"), status=status, **scored).json().encode()


def write(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def test_a_run_goes_as_far_as_it_has_come_and_its_row_s_step_time_and_hints_with_it(run, tmp_path):
    sweep = next(iter(run.suite.sweeps))
    home = {
        f"{run.folder}/checkpoint.pt": b"half",
        f"{run.folder}/.lock": b"",
        f"hints/{sweep}-0123.npz": b"hints",
        "hints/another-0123.npz": b"of no sweep of it",
        f"step_times/gray-{run.training_key}.json": b"time",
        "runs/unet/seed0-abc/run.json": b"another run",
    }
    write(tmp_path / "home", home)
    sent = parcel.needed(run, tmp_path / "home")
    assert sorted(sent.values()) == sorted([b"half", b"hints", b"time"])
    known = parcel.unpack(sent, tmp_path / "there")
    assert parcel.stamps(tmp_path / "there") == known
    assert parcel.made(tmp_path / "there", sent) == sent


def test_what_comes_home_is_as_the_run_left_it(run, tmp_path):
    results, folder = tmp_path / "home", tmp_path / "home" / run.folder
    write(folder, {"checkpoint.pt": b"half", "log.jsonl": b"1"})
    write(results, {"photos/a.jpg": b"ours"})
    files = {f"{run.folder}/log.jsonl": b"12", f"{run.folder}/run.json": record(run, "ok"), "photos/a.jpg": b"theirs"}
    files[f"{run.folder}/events/one"] = b"a tracker's"
    parcel.home(run, results, files, all_names=files)
    assert sorted(parcel.stamps(folder)) == ["events/one", "log.jsonl", "run.json"], "no checkpoint is left"
    assert (folder / "log.jsonl").read_bytes() == b"12"
    assert (results / "photos" / "a.jpg").read_bytes() == b"ours", "what several runs share is written once"
    assert RunFolder(folder).record().ok


def test_a_finished_record_stays_until_another_one_is_ok(run, tmp_path):
    results, folder = tmp_path / "home", tmp_path / "home" / run.folder
    write(folder, {"run.json": record(run, "ok"), "scores.csv": b"old"})  # its weights are gone: it is made again
    assert parcel.needed(run, results) == {}, "the finished record is not sent: the run would take itself for done"
    failed = {f"{run.folder}/run.json": record(run, "oom")}
    parcel.home(run, results, failed, all_names=failed)
    assert RunFolder(folder).record().ok
    assert RunFolder(folder).last_record().status == "oom"
    made = {f"{run.folder}/{name}": b"new" for name in ("scores.csv", "model.safetensors")}
    made[f"{run.folder}/run.json"] = record(run, "ok")
    parcel.home(run, results, made, all_names=made)
    assert (folder / "scores.csv").read_bytes() == b"new"
    assert RunFolder(folder).finished()


def test_a_disk_that_fills_up_leaves_no_record(run, tmp_path, monkeypatch):
    files = {f"{run.folder}/{name}": b"" for name in ("a.csv", "scores.csv")}
    files = {f"{run.folder}/run.json": record(run, "ok"), **files}
    written = []

    def full(source, target):
        written.append(os.path.basename(target))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(BadInput, match="No space left"):
        parcel.home(run, tmp_path, files, all_names=files)
    assert written == ["a.csv"]
    monkeypatch.undo()
    assert RunFolder(tmp_path / run.folder).record() is None


def test_plain_data_is_what_a_machine_is_told(run):
    from zoo.harness.plan.planned_run import PlannedRun

    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(run)), PlannedRun) == run
