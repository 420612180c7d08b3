"""The colorizer that comes with the zoo: small, better than solvers with hints, and than grey without."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import safetensors.torch
import torch
from click.testing import CliRunner
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

import zoo
from zoo.cli.main import cli
from zoo.core.color import AB_SCALE, split_lab
from zoo.core.errors import BadInput
from zoo.core.files import sha256_of
from zoo.core.photo import read_photo
from zoo.core.spec import SHIPPED
from zoo.core.trained import WEIGHTS, load, run_folder, shipped_folder
from zoo.harness.data.folder import FOLDER
from zoo.harness.results.run_record import RunRecord
from zoo.parts.hints.points import Points

SIZES = (64, 128, 256)
"""Sides in pixels at which people have photos coloured."""

Rows = dict[tuple[str, int], tuple[float, float, float]]

PHOTOS = sorted((FOLDER / "test").glob("*.jpg"))


@pytest.fixture(scope="module")
def record() -> RunRecord:
    return msgspec.json.decode((shipped_folder() / "run.json").read_bytes(), type=RunRecord)


def test_it_is_small_and_in_half_precision(record):
    weights = shipped_folder() / WEIGHTS
    assert weights.stat().st_size <= 8_000_000
    state = safetensors.torch.load_file(weights)
    assert {value.dtype for value in state.values() if value.is_floating_point()} == {torch.float16}
    assert sha256_of(weights) == record.weights_sha256


def test_it_was_trained_on_photos_with_free_licences_only(record):
    assert record.data.train.source == "photos"
    assert (record.suite, record.status) == ("shipped", "ok")
    assert f"{record.steps} steps" in (shipped_folder() / "README.md").read_text(encoding="utf-8")


def test_it_is_a_run_by_name(tmp_path, monkeypatch):
    assert run_folder(SHIPPED) == shipped_folder()
    assert next(load(SHIPPED).network.parameters()).dtype == torch.float32
    with pytest.raises(BadInput, match="leave --set out"):
        load(SHIPPED, options={"width": 3})
    # A run of one's own in a folder of that name is what is meant where it lies.
    monkeypatch.chdir(tmp_path)
    own = tmp_path / SHIPPED
    own.mkdir()
    (own / "run.json").write_bytes((shipped_folder() / "run.json").read_bytes())
    assert run_folder(SHIPPED) is not None
    assert run_folder(SHIPPED).resolve() == own.resolve()


def test_colorize_takes_it_when_no_model_is_named(tmp_path):
    done = CliRunner().invoke(cli, ["colorize", str(PHOTOS[0]), "-o", str(tmp_path / "a.png")], prog_name="zoo")
    assert done.exit_code == 0, done.output
    np.testing.assert_array_equal(read_photo(tmp_path / "a.png"), zoo.colorize(SHIPPED, PHOTOS[0]))


@pytest.mark.slow
def test_it_is_scored_elsewhere_and_stays_as_it_is(tmp_path):
    def run(*words: str) -> Any:
        return CliRunner().invoke(cli, ["eval", *words], prog_name="zoo")

    before = {file: file.read_bytes() for file in shipped_folder().iterdir()}
    refused = run(SHIPPED)
    assert refused.exit_code == 2
    assert "only read" in refused.stderr
    suite = tmp_path / "few.yaml"
    suite.write_text("{base: old_photos, name: few, test_limit: 2, sweeps: {}, metrics: [psnr]}", encoding="utf-8")
    done = run(SHIPPED, "--suite", str(suite), "--out", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    assert "residual_unet (shipped)" in (tmp_path / "out" / "leaderboard.csv").read_text(encoding="utf-8")
    assert {file: file.read_bytes() for file in shipped_folder().iterdir()} == before


@pytest.mark.slow
@pytest.mark.parametrize("side", SIZES)
def test_hints_reach_further_than_levins_and_none_is_better_than_grey(side):
    """On every twelfth test photo; the tables of docs/shipped.md have the whole curves."""
    shipped, levin, clicks = load(SHIPPED), load("levin2004"), Points(count=10, sizes=6)
    gains = []
    for index, path in enumerate(PHOTOS[::12]):
        truth = np.asarray(Image.open(path).convert("RGB").resize((side, side), Image.Resampling.LANCZOS))
        ab = split_lab(torch.from_numpy(truth.copy()).permute(2, 0, 1)[None])[1]
        given, mask = clicks(ab, torch.Generator().manual_seed(index))
        hints = ((given[0] * AB_SCALE).permute(1, 2, 0).numpy(), mask[0, 0].numpy())
        gray, none, ours, theirs = (
            peak_signal_noise_ratio(truth, made)
            for made in (
                zoo.colorize("gray", truth),
                zoo.colorize(shipped, truth),
                zoo.colorize(shipped, truth, hints=hints),
                zoo.colorize(levin, truth, hints=hints),
            )
        )
        gains.append((none - gray, ours - theirs))
    without, hinted = np.mean(gains, axis=0)
    assert without > 0
    assert hinted > 0


def tables() -> dict[int, Rows]:
    """Those of docs/shipped.md: by the photos' side, by sweep and hints, the PSNR of shipped, levin2004 and gray."""
    text = (Path(__file__).parents[2] / "docs" / "shipped.md").read_text(encoding="utf-8")
    found: dict[int, Rows] = {}
    _, *sections = re.split(r"^### At (\d+) px$", text, flags=re.MULTILINE)
    for side, section in zip(sections[::2], sections[1::2], strict=True):
        rows, sweep = found.setdefault(int(side), {}), ""
        for line in section.splitlines():
            if line.startswith("`"):
                sweep = line.split("`")[1]
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if len(cells) == 6 and cells[0].isdecimal():
                rows[sweep, int(cells[0])] = (float(cells[1]), float(cells[3]), float(cells[5]))
    return found


def test_it_is_above_levin2004_at_every_number_of_hints_and_above_grey_without(record):
    """At each of the sizes people use that lies within those of its training."""
    trained = record.protocol.trained_at
    assert tables().keys() == {side for side in SIZES if trained[0] <= side <= trained[-1]}
    for side, rows in tables().items():
        assert {count for sweep, count in rows if sweep == "points6"} == {0, 1, 2, 5, 10, 20, 50, 100, 200}
        for (sweep, count), (shipped, levin, gray) in rows.items():
            assert shipped > (levin if count else gray), (side, sweep, count)


def test_the_tables_are_those_of_its_record(record):
    swept = {(level.sweep, level.level): level.psnr for level in record.levels}
    rows = tables()[record.protocol.size]
    assert len(rows) == 18
    for at, (shipped, *_) in rows.items():
        assert shipped == pytest.approx(swept[at], abs=0.006)


def test_a_table_has_what_ships_beside_the_solvers(benchmark_script):
    """From a bench in which it was scored by its name: the published one."""
    published = Path(__file__).parents[2] / "results" / "gachon256"
    with (published / "hints.csv").open(encoding="utf-8", newline="") as file:
        psnr = {(row["model"], row["sweep"], row["level"]): float(row["psnr"]) for row in csv.DictReader(file)}
    rows = ("residual_unet (shipped)", "pyramid", "levin2004", "huang2005", "gray")
    text = benchmark_script("shipped.py").over_hints(published, "residual_unet")
    assert "| hints | shipped | pyramid | levin2004 | huang2005 | gray |" in text
    for sweep, level, said in (("points6", "5", "5"), ("pixels", "0.05", "5.0% of the pixels")):
        assert f"| {said} | " + " | ".join(f"{psnr[row, sweep, level]:.2f}" for row in rows) + " |" in text


def test_its_card_is_made_of_its_record():
    text = (shipped_folder() / "README.md").read_text(encoding="utf-8")
    assert "zoo colorize photo.jpg --with shipped" in text
    assert "license: apache-2.0" in text
