"""A run's card tells what its record and its scores hold, in the form that the Hub reads."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from zoo.core.errors import BadInput
from zoo.core.spec import ModelRecord
from zoo.core.trained import training_command
from zoo.harness.results.card import card
from zoo.harness.results.run_record import MAY_HAVE_SEEN
from zoo.harness.results.statistics import interval
from zoo.harness.results.store import RunFolder

PUBLISHED = Path(__file__).parents[3] / "results" / "quick" / "runs"


@pytest.fixture
def folder() -> Path:
    return next((PUBLISHED / "residual_unet").glob("seed0-*"))


def test_it_says_on_what_how_long_and_by_which_command(folder):
    record = RunFolder(folder).record()
    assert record is not None
    text = card(folder)
    assert f"{record.data.train.photos} to train on (photos)" in text
    assert f"{record.steps} steps in {record.costs['train_s']:.0f} s" in text
    assert "`zoo train residual_unet --suite quick --seeds 1`" in text
    assert record.provenance.machine in text
    assert f"{record.costs['params_m']:.2f} million parameters" in text
    assert "CREDITS.csv" in text


@pytest.mark.parametrize(
    ("label", "seed", "said"),
    [
        ("unet", 2, "zoo train unet --suite quick --first-seed 2 --seeds 1"),
        ("unet recipe=gachon recipe.lr=0.001", 0, "--recipes gachon --set recipe.lr=0.001 --seeds 1"),
        ("unet bridge=a word width=8", 0, "--set 'bridge=a word' --set width=8 --seeds 1"),
    ],
)
def test_the_command_sets_what_the_row_was_set_to(label, seed, said):
    assert training_command(ModelRecord(model="unet", label=label, seed=seed, suite="quick")).endswith(said)


def test_the_command_sets_what_its_suite_was_set_to(folder):
    text = card(folder, suite=["suite.size=32", "suite.eval_hints={a: 1}"])
    command = "zoo train residual_unet --suite quick --set suite.size=32 --set 'suite.eval_hints={a: 1}' --seeds 1"
    assert f"`{command}`" in text


def test_photos_that_may_have_been_seen_are_told_as_such(folder, tmp_path):
    assert "photos that it was not trained on" in card(folder)
    run = shutil.copytree(folder, tmp_path / "run")
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    record["notes"].append(f"{MAY_HAVE_SEEN}its weights were trained on unknown photos")
    (run / "run.json").write_text(json.dumps(record), encoding="utf-8")
    assert "photos that it may have seen (see the note)" in card(run)


def test_its_scores_have_their_intervals_over_photos(folder):
    _, scores = RunFolder(folder).scores()
    found = interval(np.array([scores["psnr"]]))
    assert f"| PSNR (higher is better) | {found.mean:.3f} | {found.low:.3f} to {found.high:.3f} |" in card(folder)
    assert "| ΔE00 (lower is better) |" in card(folder)
    assert "LPIPS (lower is better) | nan" not in card(folder)
    levels = [level for level in RunFolder(folder).record().levels if level.sweep == "points6"]
    assert f"0: {levels[0].psnr:.2f}, 1: {levels[1].psnr:.2f}" in card(folder)


def test_the_hub_reads_its_metadata(folder):
    hub = pytest.importorskip("huggingface_hub", reason="needs the extra hub")
    text = card(folder, licence="cc-by-4.0", repo="me/residual")
    read = hub.ModelCard(text).data
    assert read.license == "cc-by-4.0"
    assert read.model_name == "residual_unet"
    (psnr,) = (result for result in read.eval_results if result.metric_type == "psnr")
    assert psnr.metric_value == pytest.approx(RunFolder(folder).record().scores["psnr"], abs=1e-3)
    assert "zoo pull me/residual\nzoo colorize photo.jpg --with residual" in text
    assert "these weights: cc-by-4.0" in text


def test_without_a_licence_it_says_so(folder):
    text = card(folder)
    assert yaml.safe_load(text.split("---")[1])["license"] == "other"
    assert "no licence of these weights is stated" in text


def test_a_run_without_scores_has_no_card(folder, tmp_path):
    with pytest.raises(BadInput, match=r"holds no run\.json"):
        card(tmp_path)
    run = tmp_path / "run"
    shutil.copytree(folder, run)
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    (run / "run.json").write_text(json.dumps(record | {"status": "timeout"}), encoding="utf-8")
    with pytest.raises(BadInput, match="a run with status timeout"):
        card(run)
