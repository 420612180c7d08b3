"""Weights from a file are benched in the place of training."""

from __future__ import annotations

import csv
import hashlib
import json
import pickle

import pytest
import torch
from safetensors.torch import save_file

from zoo.core.errors import BadInput
from zoo.core.registry import Registry, use
from zoo.core.resolve import build
from zoo.core.trained import load
from zoo.harness.run.bench import bench
from zoo.harness.run.evaluate import evaluate
from zoo.harness.run.request import BenchRequest

pytestmark = pytest.mark.slow  # whole benches


def bench_weights(suite_file, out, weights, model="published", **options):
    request = BenchRequest(models=model, suite=str(suite_file), out=out, weights=weights, seeds=3, **options)
    return bench(request)


def test_a_published_file_is_scored_untrained(small_zoo, suite_file, tmp_path):
    torch.manual_seed(1)
    original = build("published", width=6)
    published = {key.replace("network.body.", "model."): value for key, value in original.state_dict().items()}
    torch.save(published, tmp_path / "original.pth")
    out = tmp_path / "results"
    assert bench_weights(suite_file, out, tmp_path / "original.pth", options={"width": 6}).failed == []
    with (out / "leaderboard.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    digest = hashlib.sha256((tmp_path / "original.pth").read_bytes()).hexdigest()[:8]
    assert row["model"] == f"published width=6 (original {digest})"
    assert row["seeds"] == "1"
    assert "weights from original.pth, sha256" in row["notes"]
    run = json.loads(next(out.glob("runs/published/*/run.json")).read_text())
    assert run["steps"] == 0
    ours = {key.removeprefix("network."): value for key, value in original.state_dict().items()}
    save_file(ours, tmp_path / "ours.safetensors")
    bench_weights(suite_file, out, tmp_path / "ours.safetensors", options={"width": 6})
    scores = {path.read_bytes() for path in out.glob("runs/published/*/scores.csv")}
    assert len(list(out.glob("runs/published/*/scores.csv"))) == 2
    assert len(scores) == 1, "the same weights in either layout score the same"


def test_two_files_of_one_name_are_two_rows(small_zoo, suite_file, tmp_path):
    out = tmp_path / "results"
    for seed in (1, 2):
        torch.manual_seed(seed)
        folder = tmp_path / str(seed)
        folder.mkdir()
        state = build("published", width=6).network.state_dict()
        save_file(state, folder / "weights.safetensors")
        assert bench_weights(suite_file, out, folder / "weights.safetensors", options={"width": 6}).failed == []
    with (out / "leaderboard.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["model"] for row in rows}) == 2
    assert len({row["psnr"] for row in rows}) == 2
    assert all(row["model"].startswith("published width=6 (weights ") for row in rows)


def test_wrong_requests(small_zoo, suite_file, tmp_path):
    (tmp_path / "w.pth").write_bytes(pickle.dumps(print))
    with pytest.raises(BadInput, match="is for one model, and these are 2"):
        bench_weights(suite_file, tmp_path / "r", tmp_path / "w.pth", model="small,gray")
    with pytest.raises(BadInput, match="cannot be read"):
        bench_weights(suite_file, tmp_path / "r", tmp_path / "missing.pth")
    assert not (tmp_path / "r").exists()
    for name, content in (("pickle.pth", pickle.dumps(print)), ("text.safetensors", b"no"), ("odd.bin", b"x")):
        (tmp_path / name).write_bytes(content)
        bench_weights(suite_file, tmp_path / "r", tmp_path / name)
    rows = list(csv.DictReader((tmp_path / "r" / "leaderboard.csv").open(newline="")))
    assert {row["status"] for row in rows} == {"error"}
    assert len(rows) == 3


def test_a_file_of_the_table_is_built_with_its_options(small_zoo, suite_file, tmp_path):
    torch.manual_seed(1)
    state = build("published", width=6).network.state_dict()
    torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()}}, tmp_path / "w.pth")
    digest = hashlib.sha256((tmp_path / "w.pth").read_bytes()).hexdigest()
    rows = (
        f"weights:\n  theirs: {{model: published, options: {{width: 6}}, url: 'http://x/w.pth', sha256: '{digest}'}}\n"
    )
    small_zoo.write_text(small_zoo.read_text() + rows)
    out = tmp_path / "known"
    use(Registry.read([small_zoo]))
    assert bench_weights(suite_file, out, tmp_path / "w.pth").failed == []
    (known,) = (json.loads(path.read_text()) for path in out.glob("runs/published/*/run.json"))
    assert known["label"].startswith("published (w")
    assert known["spec"]["parts"]["network"]["options"] == {"width": 6}
    assert any("published as 'theirs' with width=6" in note for note in known["notes"])
    # As told by hand: the same run. Without them: another key, and here a network that the file does not fit.
    small_zoo.write_text(small_zoo.read_text().replace(rows, ""))
    use(Registry.read([small_zoo]))
    bench_weights(suite_file, tmp_path / "told", tmp_path / "w.pth", options={"width": 6})
    bench_weights(suite_file, tmp_path / "bare", tmp_path / "w.pth")
    told, bare = (
        json.loads(next((tmp_path / name).glob("runs/published/*/run.json")).read_text()) for name in ("told", "bare")
    )
    assert told["key"] == known["key"] != bare["key"]
    assert bare["status"] == "error"
    assert "body.0.weight has shape (6, 4, 3, 3), not (4, 4, 3, 3)" in bare["error"]


def test_a_run_remembers_the_digest_of_its_weights(small_zoo, suite_file, tmp_path):
    bench(BenchRequest(models="small", suite=str(suite_file), out=tmp_path / "r", seeds=2))
    first, second = sorted((tmp_path / "r").glob("runs/small/*"))
    load(first)
    (first / "model.safetensors").write_bytes((second / "model.safetensors").read_bytes())
    with pytest.raises(BadInput, match=r"is not the file that .* was written with"):
        load(first)
    with pytest.raises(BadInput, match="exchanged or damaged"):
        evaluate(first, ["psnr"])
    load(second)
