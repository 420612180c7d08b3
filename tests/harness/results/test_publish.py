"""What is published says nothing of the machine it was made on but its processor."""

from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path

from zoo.core.files import make_folder, write_whole
from zoo.harness.results.planned import read_planned, remember

BUILDER = runpy.run_path(str(Path(__file__).with_name("synthetic_results.py")))


def copy_as(run, place, **fields):
    """The run at another place, its record with other fields; its key is in its folder's name."""
    record = json.loads((shutil.copytree(run, place) / "run.json").read_text())
    (place / "run.json").write_text(json.dumps(record | {"key": place.name.partition("-")[2]} | fields))
    return place


def test_runs_that_no_table_shows_are_left_behind(tmp_path, benchmark_script):
    bench, published = tmp_path / "bench", tmp_path / "published"
    BUILDER["write_results"](bench, ["one", "gray"], photos=4, seeds=1, failing=(), pictures=False)
    (kept,) = bench.glob("runs/model0/*")
    before = shutil.copytree(kept, kept.with_name("seed0-ffffffffffff")) / "run.json"
    record = json.loads(before.read_text())
    record["key"], record["provenance"]["finished"] = "ffffffffffff", "2000-01-01T00:00:00Z"
    before.write_text(json.dumps(record))
    (bench / "runs" / "begun" / "seed0-eeeeeeeeeeee").mkdir(parents=True)
    (bench / "runs" / "begun" / "seed0-eeeeeeeeeeee" / "log.jsonl").touch()
    benchmark_script("publish.py").publish(bench, published)
    assert [path.name for path in published.glob("runs/model0/*")] == [kept.name]
    assert not (published / "runs" / "begun").exists()


def test_a_row_without_a_run_and_what_was_published_before_are_not_published(tmp_path, benchmark_script):
    bench, published = tmp_path / "bench", tmp_path / "published"
    BUILDER["write_results"](bench, ["one", "two", "gray"], photos=4, seeds=2, failing=(), pictures=False)
    records = []
    for file in bench.glob("runs/*/*/run.json"):
        record = json.loads(file.read_text())
        records.append({**record, "training_key": f"aaaaaaaa{record['key'][-4:]}"})
        file.write_text(json.dumps(records[-1]))
    rows = {(record["protocol"]["fingerprint"], record["label"]): record["key"] for record in records}
    (protocol, _), *_ = rows
    remember(bench, {**rows, (protocol, "to_come"): "eeeeeeeeeeee"})
    for key in (records[0]["training_key"], "dddddddddddd"):
        write_whole(make_folder(bench / "step_times") / f"any-{key}.json", "{}")
    (kept, other) = sorted(bench.glob("runs/model0/*"))
    before = shutil.copytree(kept, published / "runs" / "model0" / "seed0-ffffffffffff")
    set_apart = copy_as(kept, bench / "runs" / "model0" / "seed0-bbbbbbbbbbbb", label="model0 width=8")
    elsewhere = copy_as(kept, published / "runs" / "model0" / "seed0-cccccccccccc", label="model0 (elsewhere)")
    remember(bench, {(protocol, "model0 width=8"): "bbbbbbbbbbbb"})
    copy_as(kept, bench / "runs" / "model0" / "seed2-000000000000", status="interrupted", seed=2)
    benchmark_script("publish.py").publish(bench, published)
    assert not before.exists()
    names = {path.name for path in (kept, other, set_apart, elsewhere)}
    assert {path.name for path in published.glob("runs/model0/*")} == names
    assert read_planned(published) == {**rows, (protocol, "model0 width=8"): "bbbbbbbbbbbb"}
    assert [path.name for path in published.glob("step_times/*")] == [f"any-{records[0]['training_key']}.json"]
    assert "to_come" not in (published / "leaderboard.csv").read_text()
    assert "to_come" in {model for _, model in read_planned(bench)}, "the bench stays as it is"


def test_folders_of_photos_are_called_by_their_names(tmp_path, benchmark_script):
    bench, published = tmp_path / "bench", tmp_path / "published"
    BUILDER["write_results"](bench, ["one", "two", "gray"], photos=4, seeds=1, failing=(), pictures=False)
    for file in bench.glob("runs/*/*/run.json"):
        record = json.loads(file.read_text())
        record["data"]["test"]["source"] = "folder:/home/someone/packs/test photos"
        record["data"]["test"]["notes"] = ["/home/someone/packs/list.txt names 3 files that are not there"]
        record["plan"]["suite"] = {"data": "folder:/home/someone/packs/pack-256", "pictures": False}
        record["notes"] = [
            "trained on 9 photos of folder:/home/someone/packs/pack-256; and/or on others",
            "9 of folder:there cannot be compared (/home/someone/packs/there: there is no such folder)",
        ]
        file.write_text(json.dumps(record))
        file.with_name("model.safetensors").touch()
    benchmark_script("publish.py").publish(bench, published)
    kept = [path for path in published.rglob("*") if path.is_file()]
    assert not [path for path in kept if "someone" in path.read_text()]
    assert {path.name for path in kept} >= {"leaderboard.csv", "runs.csv", "hints.csv", "report.html", "run.json"}
    assert "model.safetensors" not in {path.name for path in kept}
    record = json.loads(next(published.glob("runs/model0/*/run.json")).read_text())
    assert record["data"]["test"]["source"] == "folder:test photos"
    assert record["data"]["test"]["notes"] == ["list.txt names 3 files that are not there"]
    assert record["plan"]["suite"]["data"] == "folder:pack-256"
    assert record["notes"] == [
        "trained on 9 photos of folder:pack-256; and/or on others",
        "9 of folder:there cannot be compared (there: there is no such folder)",
    ]
    assert (published / "runs/model0/seed0-000000000000/scores.csv").read_bytes() == (
        bench / "runs/model0/seed0-000000000000/scores.csv"
    ).read_bytes()
