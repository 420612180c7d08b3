"""A row is marked where its weights may have seen the photos that it is scored on, and not elsewhere."""

from __future__ import annotations

import hashlib
import shutil
from types import SimpleNamespace

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import save_file

from zoo.cli.main import cli
from zoo.core.files import read_csv
from zoo.core.registry import Registry, use
from zoo.core.resolve import build, resolve
from zoo.harness.run.bench import bench
from zoo.harness.run.carry_out import may_have_seen
from zoo.harness.run.request import BenchRequest


def test_a_trunk_of_published_weights_marks_its_row():
    run = SimpleNamespace(weights=None, resembled=0, spec=resolve("efficientnet_lite0_unet"))
    (mark,) = may_have_seen(run)
    assert mark.startswith("may have seen the test photos: ")
    assert mark.endswith("started from published weights")
    assert may_have_seen(SimpleNamespace(weights=None, resembled=0, spec=resolve("unet"))) == []


def rows(folder):
    return {row["model"]: row for row in read_csv(folder / "leaderboard.csv")[1]}


@pytest.mark.slow
def test_published_weights_mark_their_row_with_what_they_were_trained_on(small_zoo, suite_file, tmp_path):
    torch.manual_seed(1)
    weights = tmp_path / "theirs.safetensors"
    save_file(build("published", width=4).network.state_dict(), weights)
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    told = f"{{model: published, url: 'http://x/w', sha256: '{digest}', trained_on: these very photos}}"
    for table, photos in (("", "unknown photos"), (f"weights:\n  theirs: {told}\n", "these very photos")):
        small_zoo.write_text(small_zoo.read_text() + table)
        use(Registry.read([small_zoo]))
        out = tmp_path / photos
        bench(BenchRequest(models="published", suite=str(suite_file), out=out, weights=weights))
        (name,) = (name for name in rows(out) if name.startswith("published"))
        assert rows(out)[name]["may_have_seen"] == "yes"
        assert f"may have seen the test photos: its weights were trained on {photos}" in rows(out)[name]["notes"]


UNTRAINED = """
trains: false
size: 48
eval_hints: {name: pixels, densities: [0.1]}
metrics: [psnr]
threads: 1
"""


@pytest.mark.slow
def test_a_run_that_is_scored_on_photos_it_was_trained_on_is_marked(
    small_zoo, suite_file, photo_paths, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    pack = tmp_path / "pack"
    for split, paths in (("train", photo_paths[:5]), ("validation", photo_paths[5:6]), ("test", photo_paths[6:])):
        (pack / split).mkdir(parents=True)
        for path in paths:
            shutil.copy(path, pack / split)
    bench(BenchRequest(models="small", suite=str(suite_file), data=f"folder:{pack}", out=tmp_path / "trained"))
    run = next((tmp_path / "trained").glob("runs/small/seed0-*"))
    assert rows(tmp_path / "trained")["small"]["may_have_seen"] == ""
    (tmp_path / "untrained.yaml").write_text(UNTRAINED)
    (tmp_path / "other.yaml").write_text(suite_file.read_text().replace("size: 32", "size: 40"))

    def scored(photos: str, out: str) -> dict[str, str]:
        asked = ["eval", str(run), "--suite", "untrained.yaml", "--data", f"folder:{photos}", "--out", out]
        result = CliRunner().invoke(cli, asked)
        assert result.exit_code == 0, result.output
        return rows(tmp_path / out)["small (tiny)"]

    seen = scored("pack/train", "seen")
    assert seen["may_have_seen"] == "yes"
    assert "may have seen the test photos: 5 of these 5 resemble photos that it was trained on" in seen["notes"]
    unseen = scored("pack/test", "unseen")
    assert (unseen["may_have_seen"], unseen["status"]) == ("", "ok")
    # Under a suite that trains, the evaluation is the run's own; the command says it.
    (tmp_path / "swapped" / "test").mkdir(parents=True)
    shutil.copytree(pack / "test", tmp_path / "swapped" / "train")
    shutil.copy(photo_paths[0], tmp_path / "swapped" / "test")
    text = (tmp_path / "other.yaml").read_text() + "data: folder:swapped\n"
    (tmp_path / "other.yaml").write_text(text)
    result = CliRunner().invoke(cli, ["eval", str(run), "--suite", "other.yaml"])
    assert result.exit_code == 0, result.output
    assert "1 of these 1 resemble photos that it was trained on" in result.stderr
    # Photos of a suite of its own that lie on both sides.
    shutil.copy(photo_paths[0], pack / "test" / "twice.jpg")
    bench(BenchRequest(models="small,gray", suite=str(suite_file), data=f"folder:{pack}", out=tmp_path / "leak"))
    found = rows(tmp_path / "leak")
    assert "1 of these 3 resemble photos that it was trained on" in found["small"]["notes"]
    assert [found[name]["may_have_seen"] for name in ("small", "gray")] == ["yes", ""]
    # What cannot be compared may have been seen.
    pack.rename(tmp_path / "moved")
    elsewhere = scored("moved/test", "elsewhere")
    assert elsewhere["may_have_seen"] == "yes"
    assert f"its 5 of folder:{pack} cannot be compared with them" in elsewhere["notes"]
