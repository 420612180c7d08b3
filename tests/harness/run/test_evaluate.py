"""A trained run scored again: the same numbers under its own suite, a protocol of its own under another."""

from __future__ import annotations

import json

import pytest

from zoo.core.errors import BadInput
from zoo.harness.results.protocol import protocol_differences
from zoo.harness.results.store import RunFolder
from zoo.harness.run.bench import bench
from zoo.harness.run.evaluate import evaluate
from zoo.harness.run.request import BenchRequest

pytestmark = pytest.mark.slow  # whole benches


@pytest.fixture
def run(small_zoo, suite_file, tmp_path):
    suite_file.write_text(suite_file.read_text() + "sweeps: {dots: {hints: points, counts: [0, 2]}}\n")
    bench(BenchRequest(models="small", suite=str(suite_file), out=tmp_path / "results"))
    return next((tmp_path / "results").glob("runs/small/seed0-*"))


def row_of(folder):
    return json.loads((folder / "run.json").read_text())


def test_its_own_suite_gives_its_own_numbers(run):
    before, scores = row_of(run), (run / "scores.csv").read_bytes()
    assert set(before["scores"]) == {"psnr", "ssim", "hint_error"}
    again = evaluate(run)
    assert again == pytest.approx(before["scores"])
    assert (run / "scores.csv").read_bytes() == scores
    assert row_of(run)["hints"] == before["hints"]


def test_another_metric_is_added_to_the_run(run):
    added = evaluate(run, metrics=["delta_e00"])
    row = row_of(run)
    assert set(row["scores"]) == {"psnr", "ssim", "hint_error", "delta_e00"}
    assert row["scores"]["delta_e00"] == added["delta_e00"]


def test_another_suite_leaves_the_run_and_names_its_own_protocol(run, suite_file):
    other = suite_file.with_name("other.yaml")
    text = suite_file.read_text().replace("densities: [0.02]", "densities: [0.2]").replace("steps: 8", "steps: 9")
    other.write_text(text)
    before = (run / "run.json").read_bytes()
    evaluate(run, suite=str(other))
    assert (run / "run.json").read_bytes() == before
    own, under_other = RunFolder(run).record(), RunFolder(run / "evaluations" / "other").record()
    assert under_other.suite == "other"
    assert under_other.levels == [], "its sweep belongs to its own suite"
    differing = {line.partition(":")[0] for line in protocol_differences([own.protocol, under_other.protocol])}
    assert differing == {"eval_hints", "sweeps"}, "trained by its own budget, whatever the other suite says"


def test_a_run_that_is_not_there(run):
    with pytest.raises(BadInput, match=r"holds no run\.json"):
        evaluate(run.parent)


def test_a_run_of_other_code_is_not_scored_into_its_old_row(run, suite_file, small_zoo):
    module = small_zoo.with_name("bench_test_models.py")
    module.write_text(module.read_text() + "\n# edited\n")
    with pytest.raises(BadInput, match="trained by other code than its network have now; bench it again"):
        evaluate(run)
    other = suite_file.with_name("other.yaml")
    other.write_text(suite_file.read_text())
    evaluate(run, suite=str(other))
    assert "trained by other code" in " ".join(row_of(run / "evaluations" / "other")["notes"])


@pytest.mark.parametrize("recorded", ["psnr:0", "psnr:1 0123abcd"])
def test_a_run_that_was_scored_by_another_metric_of_the_name_is_not_mixed_with_this_one(run, recorded):
    record = row_of(run)
    record["protocol"]["metrics"] = [recorded]
    (run / "run.json").write_text(json.dumps(record))
    with pytest.raises(BadInput, match="was scored by another psnr than this zoo has"):
        evaluate(run, metrics=["psnr"])
    assert "delta_e00" in evaluate(run, metrics=["delta_e00"]), "another metric may join"


def test_records_of_before_parts_had_identities_are_scored(run):
    record = row_of(run)
    record["protocol"]["metrics"] = ["psnr:1", "ssim:1"]
    record["spec"].pop("made_of")
    (run / "run.json").write_text(json.dumps(record))
    assert "psnr" in evaluate(run, metrics=["psnr"])
