"""A metric more is scored on the weights that are there: training and scoring have identities of their own."""

from __future__ import annotations

import csv
import json

import pytest
import safetensors.torch

from zoo.core.files import sha256_of
from zoo.harness.run.bench import bench
from zoo.harness.run.request import BenchRequest

pytestmark = pytest.mark.slow  # whole benches


@pytest.fixture
def benched(small_zoo, suite_file, tmp_path):
    """Bench a small model under the suite with some words of it exchanged; the record and folder of its new run."""
    out = tmp_path / "results"
    seen = set()

    def once(*changes):
        text = suite_file.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        file = tmp_path / "changed" / suite_file.name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        assert bench(BenchRequest(models="small", suite=str(file), out=out)).failed == []
        (run,) = set(out.glob("runs/small/*")) - seen
        seen.add(run)
        return json.loads((run / "run.json").read_text()), run

    once.out = out
    return once


def test_a_metric_more_is_scored_on_the_weights_that_are_there(benched):
    first, run = benched()
    second, again = benched(("[psnr, ssim]", "[psnr, ssim, delta_e00]"))
    assert (again / "model.safetensors").read_bytes() == (run / "model.safetensors").read_bytes()
    assert (again / "log.jsonl").read_bytes() == (run / "log.jsonl").read_bytes()
    assert second["training_key"] == first["training_key"]
    assert second["costs"] == first["costs"], "it was not trained again"
    assert (second["steps"], second["curve"]) == (first["steps"], first["curve"])
    assert set(second["scores"]) == {*first["scores"], "delta_e00"}
    assert {name: second["scores"][name] for name in first["scores"]} == first["scores"]
    assert any(note.startswith(f"scored again: weights of {run.name}, trained on ") for note in second["notes"])
    with (benched.out / "leaderboard.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert sorted(bool(row["delta_e00"]) for row in rows) == [False, True], "the old row stays under its own protocol"


def test_a_curve_is_of_the_hints_that_it_was_looked_at_with(benched):
    first, _ = benched()
    second, _ = benched(("densities: [0.02]", "densities: [0.2]"))
    assert second["costs"]["train_s"] == first["costs"]["train_s"]
    assert len(first["curve"]) == 2
    assert second["curve"] == []
    assert second["scores"]["psnr"] != first["scores"]["psnr"]


def test_what_was_chosen_on_validation_photos_is_scored_on_test_photos_without_another_training(benched):
    chosen, run = benched(("metrics:", "split: validation\nmetrics:"))
    scored, again = benched()
    assert (again / "model.safetensors").read_bytes() == (run / "model.safetensors").read_bytes()
    assert scored["curve"] == chosen["curve"]
    assert chosen["curve"][-1]["psnr"] == chosen["scores"]["psnr"], "the same photos, looked at with the same hints"
    assert scored["scores"]["psnr"] != chosen["scores"]["psnr"]
    assert [data["test"]["split"] for data in (chosen["data"], scored["data"])] == ["validation", "test"]
    assert chosen["data"]["test"]["fingerprint"] == scored["data"]["validation"]["fingerprint"]
    assert chosen["protocol"]["fingerprint"] != scored["protocol"]["fingerprint"], "they are never ranked together"


def test_another_training_is_trained(benched):
    first, run = benched()
    second, again = benched(("steps: 8", "steps: 9"))
    assert (first["steps"], second["steps"]) == (8, 9)
    assert (again / "model.safetensors").read_bytes() != (run / "model.safetensors").read_bytes()


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_without_good_weights_it_is_trained_anew(benched, damage):
    _, run = benched()
    if damage == "gone":
        (run / "model.safetensors").unlink()
    else:
        content = bytearray((run / "model.safetensors").read_bytes())
        content[-1] ^= 1
        (run / "model.safetensors").write_bytes(content)
    second, _ = benched(("[psnr, ssim]", "[psnr]"))
    assert second["status"] == "ok"
    assert not any(note.startswith("scored again") for note in second["notes"])
    anew = [note for note in second["notes"] if note.startswith("trained anew: ")]
    assert len(anew) == (damage == "changed")


def test_why_it_is_trained_anew_is_short_however_much_does_not_fit(benched):
    _, run = benched()
    file, record = run / "model.safetensors", run / "run.json"
    weights = safetensors.torch.load_file(file)
    safetensors.torch.save_file({f"of_another.{name}": value for name, value in weights.items()}, file)
    told = json.loads(record.read_text())
    record.write_text(json.dumps({**told, "weights_sha256": sha256_of(file)}))
    second, _ = benched(("[psnr, ssim]", "[psnr]"))
    (anew,) = (note for note in second["notes"] if note.startswith("trained anew: "))
    assert anew == f"trained anew: {run.name}/model.safetensors does not fit the model its run.json describes"
    assert not any(name in anew for name in weights)
