"""Trackers are told of a run, and cannot harm it."""

from __future__ import annotations

import json

import pytest

from zoo.core.errors import Unavailable, UnknownName
from zoo.core.registry import Registry, use
from zoo.harness.run.bench import bench
from zoo.harness.run.request import BenchRequest
from zoo.harness.run.trackers.mlflow import MLflow
from zoo.harness.run.trackers.tensorboard import TensorBoard

TRACKERS = """
import json


class ToldInAFile:
    def __init__(self, run_folder, run_name, config):
        self.file = run_folder / "told.jsonl"
        self.write(name=run_name, config=dict(config))

    def write(self, **entry):
        with self.file.open("a") as file:
            file.write(json.dumps(entry) + "\\n")

    def log(self, step, values):
        self.write(step=step, **values)

    def finish(self, status, scores):
        self.write(status=status, **scores)


class Unreachable(ToldInAFile):
    def write(self, **entry):
        pass

    def log(self, step, values):
        raise ConnectionError("the server is down")


class Missing(ToldInAFile):
    @staticmethod
    def require():
        from zoo.core.errors import Unavailable
        raise Unavailable("The tracker 'missing' needs the package nowhere; pip install nowhere.")
"""


@pytest.fixture
def tracked_zoo(small_zoo):
    (small_zoo.parent / "bench_test_trackers.py").write_text(TRACKERS)
    names = {"told": "ToldInAFile", "unreachable": "Unreachable", "missing": "Missing"}
    rows = "".join(f'    {name}: {{target: "bench_test_trackers:{cls}"}}\n' for name, cls in names.items())
    small_zoo.write_text("parts:\n  trackers:\n" + rows + small_zoo.read_text())
    use(Registry.read([small_zoo]))


@pytest.mark.slow
def test_a_tracker_hears_the_log_and_the_end_of_every_run(tracked_zoo, suite_file, tmp_path):
    out = tmp_path / "results"
    bench(BenchRequest(models="small,diverges", suite=str(suite_file), out=out, track=("told", "unreachable")))
    told = [json.loads(line) for line in next(out.glob("runs/small/*/told.jsonl")).read_text().splitlines()]
    row = json.loads(next(out.glob("runs/small/*/run.json")).read_text())
    assert told[0]["name"] == "small seed 0"
    assert told[0]["config"]["key"] == row["key"]
    assert {entry["step"] for entry in told[1:-1]} == {4, 8}
    assert any("psnr" in entry for entry in told[1:-1])
    assert told[-1]["status"] == "ok"
    assert told[-1]["psnr"] == pytest.approx(row["scores"]["psnr"])
    assert "tracker unreachable stopped: the server is down" in row["notes"], "the run outlives its onlooker"
    assert '"status": "diverged"' in next(out.glob("runs/diverges/*/told.jsonl")).read_text()


@pytest.mark.slow
def test_tracking_changes_no_key_and_no_number(tracked_zoo, suite_file, tmp_path):
    for out, track in (("a", ()), ("b", ("told",))):
        bench(BenchRequest(models="small", suite=str(suite_file), out=tmp_path / out, track=track))
    one, other = (next((tmp_path / out).glob("runs/small/*/scores.csv")) for out in "ab")
    assert one.parent.name == other.parent.name
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize(
    ("name", "kind", "sentence"),
    [("missing", Unavailable, "pip install nowhere"), ("tolled", UnknownName, "did you mean 'told'")],
)
def test_a_tracker_that_cannot_be_had_stops_the_bench_before_it_starts(
    tracked_zoo, suite_file, tmp_path, name, kind, sentence
):
    with pytest.raises(kind, match=sentence):
        bench(BenchRequest(models="small", suite=str(suite_file), out=tmp_path / "results", track=(name,)))
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("tracker", [TensorBoard, MLflow])
def test_a_missing_library_is_named(tracker, monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Unavailable, match="pip install"):
        tracker(tmp_path, "unet seed 0", {})


def test_tensorboard_writes_events_that_it_reads_back(tmp_path):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    tracker = TensorBoard(tmp_path, "unet seed 0", {"seed": 0})
    tracker.log(10, {"l1": 0.5})
    tracker.finish("ok", {"psnr": 24.0})
    read = events.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(e.step, e.value) for e in read.Scalars("training/l1")] == [(10, 0.5)]
    assert read.Scalars("scores/psnr")[0].value == 24.0


def test_mlflow_keeps_one_run_for_a_run_that_is_taken_up_again(tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # mlflow-skinny has no other store of its own
    MLflow(tmp_path, "unet seed 0", {"seed": 0}).log(10, {"l1": 0.5})
    MLflow(tmp_path, "unet seed 0", {"seed": 0}).finish("ok", {"psnr": 24.0})
    from mlflow.tracking import MlflowClient

    client = MlflowClient()
    (run,) = client.search_runs([client.get_experiment_by_name("zoo").experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.params == {"seed": "0"}
    assert run.data.metrics == {"l1": 0.5, "score_psnr": 24.0}
