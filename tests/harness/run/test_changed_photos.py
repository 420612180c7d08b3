"""Photos that change under a bench: a run scores what it was planned with, or says that it cannot."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.core.errors import Changed
from zoo.harness.run import bench as bench_module
from zoo.harness.run.bench import bench
from zoo.harness.run.evaluate import evaluate
from zoo.harness.run.request import BenchRequest

pytestmark = pytest.mark.slow  # whole benches


@pytest.fixture
def pack(tmp_path: Path, photos: list[np.ndarray]) -> Path:
    root = tmp_path / "pack"
    for number, photo in enumerate(photos):
        file = root / ("train" if number < 5 else "test") / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo).save(file)
    return root


def run_of(results: Path) -> dict:
    (file,) = results.glob("runs/small/seed0-*/run.json")
    return json.loads(file.read_text())


def swap(pack: Path, split: str) -> None:
    """Two photos of a split change names: no name, time or count tells."""
    first, second = sorted((pack / split).iterdir())[:2]
    other = first.with_name("x")
    first.rename(other)
    second.rename(first)
    other.rename(second)


@pytest.mark.parametrize("split", ["train", "test"])
def test_photos_replaced_after_the_plan_are_refused(
    small_zoo, suite_file, tmp_path, pack, monkeypatch: pytest.MonkeyPatch, split: str
):
    planned = bench_module.requested_runs

    def plan_and_swap(*arguments):
        runs = planned(*arguments)
        swap(pack, split)
        return runs

    monkeypatch.setattr(bench_module, "requested_runs", plan_and_swap)
    request = BenchRequest(models="small", suite=str(suite_file), out=tmp_path / "results", data=f"folder:{pack}")
    assert len(bench(request).failed) == 1
    row = run_of(tmp_path / "results")
    assert row["status"] == "error"
    assert f"The {split} photos of folder:{pack} are not those of the run's plan" in row["error"]
    assert row["scores"] == {}


@pytest.fixture
def scored(small_zoo, suite_file, tmp_path, pack) -> Path:
    bench(BenchRequest(models="small", suite=str(suite_file), out=tmp_path / "results", data=f"folder:{pack}"))
    return next((tmp_path / "results").glob("runs/small/seed0-*"))


def test_scores_of_other_photos_under_the_same_names_are_not_merged(scored: Path, pack: Path):
    before = {name: (scored / name).read_bytes() for name in ("run.json", "scores.csv")}
    swap(pack, "test")
    with pytest.raises(Changed, match=r"test photos of folder:.* are not those of the run's plan or record"):
        evaluate(scored, metrics=["delta_e00"])
    assert {name: (scored / name).read_bytes() for name in before} == before


def test_other_training_photos_do_not_keep_a_run_from_being_scored(scored: Path, pack: Path):
    swap(pack, "train")
    assert evaluate(scored)["psnr"] == pytest.approx(json.loads((scored / "run.json").read_text())["scores"]["psnr"])


def test_a_relative_source_is_scored_from_anywhere_and_after_a_move(
    small_zoo, suite_file, tmp_path, pack, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    bench(BenchRequest(models="small", suite=str(suite_file), out=Path("results"), data="folder:pack"))
    assert run_of(tmp_path / "results")["data"]["train"]["source"] == f"folder:{pack}"
    (tmp_path / "elsewhere").mkdir()
    shutil.move(tmp_path / "results", tmp_path / "elsewhere" / "moved")
    monkeypatch.chdir(tmp_path / "elsewhere")
    (run,) = Path("moved").glob("runs/small/seed0-*")
    assert evaluate(run)["psnr"] > 0


def test_what_was_not_taken_and_converted_is_recorded(small_zoo, suite_file, tmp_path, pack):
    (pack / "train" / "drawing.svg").touch()
    file = pack / "test" / "7.png"
    Image.open(file).save(file.with_suffix(".tif"), save_all=True, append_images=[Image.open(file)])
    os.remove(file)
    bench(BenchRequest(models="small", suite=str(suite_file), out=tmp_path / "results", data=f"folder:{pack}"))
    data = run_of(tmp_path / "results")["data"]
    assert data["train"]["notes"] == ["1 file was not taken: .svg 1."]
    assert data["test"]["notes"] == ["test/7.tif: holds 2 pages, only the first is taken."]
