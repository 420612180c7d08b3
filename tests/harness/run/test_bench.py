"""A whole bench on a small zoo: rows for everything, nothing done twice, nothing lost."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import msgspec
import pytest
import safetensors.torch

import zoo
from zoo.core.errors import BadInput, UnknownName
from zoo.harness.results.columns import LEADERBOARD_COLUMNS, RUN_COLUMNS
from zoo.harness.results.leaderboard import rebuild
from zoo.harness.run.bench import bench
from zoo.harness.run.request import BenchRequest


class Recorder:
    def __init__(self):
        self.todo, self.done, self.started_runs, self.rows, self.notes = [], [], [], {}, []

    def planned(self, runs, done):
        self.todo, self.done = list(runs), list(done)

    def started(self, run):
        self.started_runs.append(run)

    def progress(self, run, state): ...

    def finished(self, run, row):
        self.rows[run] = row

    def note(self, text):
        self.notes.append(text)


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_bench_from_photos_to_a_leaderboard(small_zoo, suite_file, tmp_path):
    out = tmp_path / "results"
    request = BenchRequest(models="small,gray,oracle_quarter", suite=str(suite_file), seeds=2, out=out)
    first = Recorder()
    outcome = bench(request, first)
    assert outcome.failed == []
    assert len(first.started_runs) == 6

    rows = table(out / "leaderboard.csv")
    assert tuple(rows[0]) == LEADERBOARD_COLUMNS
    assert rows[0]["model"] == "oracle_quarter"
    assert {row["model"]: row["rank"] for row in rows} == {"oracle_quarter": "", "small": "1", "gray": ""}
    assert {row["status"] for row in rows} == {"ok"}
    assert {row["images"] for row in rows} == {"4"}
    small = next(row for row in rows if row["model"] == "small")
    assert float(small["psnr_lo"]) < float(small["psnr"]) < float(small["psnr_hi"])
    assert small["seeds"] == "2"
    assert float(small["params_m"]) < 0.001
    runs = table(out / "runs.csv")
    assert tuple(runs[0]) == RUN_COLUMNS
    assert len(runs) == 6

    folder = next(out.glob("runs/small/seed0-*"))
    assert {path.name for path in folder.iterdir()} >= {
        "run.json",
        "scores.csv",
        "log.jsonl",
        "samples.png",
        "model.safetensors",
    }
    assert not (folder / "checkpoint.pt").exists()
    row = json.loads((folder / "run.json").read_text())
    assert row["steps"] == 8
    assert [point["step"] for point in row["curve"]] == [4, 8]
    used = {side: (photos["split"], photos["photos"]) for side, photos in row["data"].items()}
    assert used == {"train": ("train", 224), "validation": ("validation", 4), "test": ("test", 4)}
    assert len({photos["fingerprint"] for photos in row["data"].values()}) == 3
    scores = table(folder / "scores.csv")
    assert float(row["scores"]["psnr"]) == pytest.approx(sum(float(s["psnr"]) for s in scores) / 4, abs=1e-5)

    before = {path: path.read_bytes() for path in out.glob("*.csv")}
    again = Recorder()
    bench(request, again)
    assert again.todo == []
    assert len(again.done) == 6
    rebuild(out)
    assert {path: path.read_bytes() for path in out.glob("*.csv")} == before

    frame = zoo.leaderboard(out)
    assert list(frame["model"]) == [r["model"] for r in rows]
    assert frame["psnr"].dtype == float


@pytest.mark.slow
def test_a_run_whose_weights_are_gone_is_made_again(small_zoo, suite_file, tmp_path):
    out = tmp_path / "results"
    request = BenchRequest(models="small,gray", suite=str(suite_file), out=out)
    bench(request)
    folder = next(out.glob("runs/small/seed0-*"))
    scores = (folder / "scores.csv").read_bytes()
    (folder / "model.safetensors").unlink()
    bench(request, again := Recorder())
    assert again.todo == ["small seed 0"]
    assert (folder / "model.safetensors").is_file()
    assert (folder / "scores.csv").read_bytes() == scores


@pytest.mark.slow
def test_the_same_seed_gives_the_same_numbers_whatever_else_runs(small_zoo, suite_file, tmp_path):
    def scores(models, out, **options):
        bench(BenchRequest(models=models, suite=str(suite_file), out=out, **options))
        return next(out.glob("runs/small/seed0-*/scores.csv")).read_bytes()

    alone = scores("small", tmp_path / "a")
    assert scores("unet,small", tmp_path / "b", jobs=2) == alone
    other_seed = next((tmp_path / "c").glob("nothing"), None)
    bench(BenchRequest(models="small", suite=str(suite_file), seeds=2, out=tmp_path / "c"))
    other_seed = next((tmp_path / "c").glob("runs/small/seed1-*/scores.csv")).read_bytes()
    assert other_seed != alone


@pytest.mark.slow
def test_deterministic_algorithms_only(small_zoo, suite_file, tmp_path):
    models = "small,eigen_multiscale,has_no_fixed_order"  # the second pools adaptively
    request = BenchRequest(models=models, suite=str(suite_file), deterministic=True, options={"width": 4})
    weights = []
    for out in (tmp_path / "first", tmp_path / "second"):
        bench(msgspec.structs.replace(request, out=out))
        rows = {row["model"].split()[0]: row for row in table(out / "runs.csv")}
        assert rows["small"]["status"] == rows["eigen_multiscale"]["status"] == "ok"
        assert rows["has_no_fixed_order"]["status"] == "plugin_error"
        assert (
            "put_ has no deterministic form on this device; run it without --determ"
            in rows["has_no_fixed_order"]["error"]
        )
        weights.append(next(out.glob("runs/eigen_multiscale/*/model.safetensors")).read_bytes())
    assert weights[0] == weights[1]


@pytest.mark.slow
def test_every_failure_is_a_row_with_its_reason(small_zoo, suite_file, tmp_path):
    expected = {
        "small": ("ok", ""),
        "diverges": ("diverged", "not finite"),
        "raises_in_forward": ("plugin_error", "ZeroDivisionError: division by zero, in forward"),
        "raises_in_the_last_step": ("plugin_error", "KeyError: 'the last step'"),
        "raises_in_build": ("plugin_error", "cannot be built: RuntimeError: cannot be built"),
        "wrong_contract": ("plugin_error", "returned ab of shape"),
        "hangs": ("timeout", "not done after"),
        "crashes": ("error", "SIGSEGV"),
        "exits": ("plugin_error", "leaving"),
        "eats_memory": ("oom", ""),
        "is_killed": ("interrupted", "signal 9"),
    }
    out = tmp_path / "results"
    outcome = bench(
        BenchRequest(models=",".join(expected) + ",-hangs", suite=str(suite_file), out=out, jobs=2),
        recorder := Recorder(),
    )
    assert len(outcome.failed) == len(expected) - 2
    # By itself: on a busy machine any run would be late under a timeout that is short.
    assert bench(BenchRequest(models="hangs", suite=str(suite_file), out=out, timeout=2), recorder).failed
    rows = {row["model"]: row for row in table(out / "leaderboard.csv")}
    for model, (status, reason) in expected.items():
        assert rows[model]["status"] == status, (model, rows[model])
        assert reason in rows[model]["error"], (model, rows[model])
        assert "\n" not in rows[model]["error"]
    assert len(recorder.rows) == len(expected)
    again = Recorder()
    bench(BenchRequest(models="small,diverges,exits", suite=str(suite_file), out=out), again)
    assert again.todo == ["exits seed 0"], "what is final is not tried again, the rest is"


@pytest.mark.parametrize(
    ("options", "kind", "sentence"),
    [
        ({"models": "smal"}, UnknownName, "Unknown model 'smal'; did you mean 'small'"),
        ({"models": "zzz*"}, UnknownName, "No model matches"),
        ({"models": " , "}, BadInput, "No models are named"),
        ({"suite": "quik"}, UnknownName, "Unknown suite 'quik'; did you mean 'quick'"),
        ({"suite": "missing.yaml"}, BadInput, "missing.yaml cannot be read"),
        ({"recipe": "defalt"}, UnknownName, "Unknown recipe 'defalt'"),
        ({"budget": "300"}, BadInput, "--budget '300' is not understood"),
        ({"seeds": 0}, BadInput, "--seeds 0 is too few"),
        ({"jobs": 0}, BadInput, "--jobs 0 is too few"),
        ({"data": "folder:/nowhere/at/all"}, BadInput, "/nowhere/at/all"),
        ({"data": "photoss"}, UnknownName, "did you mean 'photos'"),
        ({"options": {"widht": 3}}, BadInput, "has no option 'widht'; did you mean 'width'"),
        ({"options": {"width": "wide"}}, BadInput, "does not fit"),
        ({"device": "gpu"}, BadInput, "The device 'gpu' cannot be used"),
    ],
)
def test_a_wrong_request_is_one_sentence_and_leaves_nothing(small_zoo, suite_file, tmp_path, options, kind, sentence):
    out = tmp_path / "results"
    request = {"models": "small", "suite": str(suite_file), "out": out, **options}
    with pytest.raises(kind) as error:
        bench(BenchRequest(**request))
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)
    assert not out.exists()


def test_a_results_folder_that_cannot_be_written(small_zoo, suite_file, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        bench(BenchRequest(models="gray", suite=str(suite_file), out=tmp_path / "file" / "results"))


@pytest.mark.slow
def test_rows_of_different_protocols_are_ranked_apart(small_zoo, suite_file, tmp_path):
    out = tmp_path / "results"
    bench(BenchRequest(models="small,levin2004", suite=str(suite_file), out=out))
    bench(BenchRequest(models="small", suite=str(suite_file), budget="steps=4", out=out))
    rows = table(out / "leaderboard.csv")
    assert [row["rank"] for row in rows] == ["1", "2", "1"]
    assert rows[0]["protocol"] == rows[1]["protocol"] != rows[2]["protocol"]


@pytest.mark.slow
def test_options_set_by_the_caller_show_in_the_models_name(small_zoo, suite_file, tmp_path):
    out = tmp_path / "results"
    bench(BenchRequest(models="small", suite=str(suite_file), out=out))
    bench(BenchRequest(models="small,gray", suite=str(suite_file), out=out, options={"width": 6}))
    assert {row["model"] for row in table(out / "leaderboard.csv")} == {"small", "small width=6", "gray"}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on the CPU")
def test_a_compiled_training_is_the_same_but_for_rounding(small_zoo, suite_file, tmp_path):
    compiled = suite_file.with_name("compiled.yaml")
    compiled.write_text(suite_file.read_text() + "compile: true\n")
    rows = []
    for suite in (suite_file, compiled):
        # Two levels have every kind of layer that five have, and are compiled in a third of the time.
        outcome = bench(BenchRequest(models="unet", suite=str(suite), options={"depth": 2}, out=tmp_path / suite.stem))
        assert not outcome.failed
        (row,) = table(tmp_path / suite.stem / "runs.csv")
        rows.append(row)
    plain, fused = rows
    assert float(fused["psnr"]) == pytest.approx(float(plain["psnr"]), abs=0.05)
    assert fused["key"] != plain["key"]
    weights = [
        next((tmp_path / suite.stem).glob("runs/unet/*")) / "model.safetensors" for suite in (suite_file, compiled)
    ]
    first, second = map(safetensors.torch.load_file, weights)
    assert first.keys() == second.keys()


@pytest.mark.slow
def test_nobody_says_where_and_published_results_are_left_alone(small_zoo, suite_file, tmp_path, monkeypatch):
    published = tmp_path / "results" / "tiny"
    published.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    outcome = bench(BenchRequest(models="gray", suite=str(suite_file)))
    assert outcome.folder.resolve() == tmp_path / "benches" / "tiny"
    assert (outcome.folder / "leaderboard.csv").is_file()
    assert list(published.iterdir()) == []
    ignored = (Path(__file__).parents[3] / ".gitignore").read_text().splitlines()
    assert "/benches/" in ignored
