"""What is published says nothing of the machine it was made on but its processor."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

BUILDER = runpy.run_path(str(Path(__file__).with_name("synthetic_results.py")))


def test_folders_of_photos_are_called_by_their_names(tmp_path, benchmark_script):
    bench, published = tmp_path / "bench", tmp_path / "published"
    BUILDER["write_results"](bench, ["one", "two", "gray"], photos=4, seeds=1, failing=(), pictures=False)
    for file in bench.glob("runs/*/*/run.json"):
        record = json.loads(file.read_text())
        record["data"]["test"]["source"] = "folder:/home/someone/packs/test photos"
        record["plan"]["suite"] = {"data": "folder:/home/someone/packs/pack-256", "pictures": False}
        record["notes"] = ["trained on 9 photos of folder:/home/someone/packs/pack-256; and/or on others"]
        file.write_text(json.dumps(record))
        file.with_name("model.safetensors").touch()
    benchmark_script("publish.py").publish(bench, published)
    kept = [path for path in published.rglob("*") if path.is_file()]
    assert not [path for path in kept if "someone" in path.read_text()]
    assert {path.name for path in kept} >= {"leaderboard.csv", "runs.csv", "hints.csv", "report.html", "run.json"}
    assert "model.safetensors" not in {path.name for path in kept}
    record = json.loads(next(published.glob("runs/model0/*/run.json")).read_text())
    assert record["data"]["test"]["source"] == "folder:test photos"
    assert record["plan"]["suite"]["data"] == "folder:pack-256"
    assert record["notes"] == ["trained on 9 photos of folder:pack-256; and/or on others"]
    assert (published / "runs/model0/seed0-000000000000/scores.csv").read_bytes() == (
        bench / "runs/model0/seed0-000000000000/scores.csv"
    ).read_bytes()
