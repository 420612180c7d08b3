"""``zoo rm``: runs go, whole, and the tables are those of what is left."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

import zoo
from zoo.cli.main import cli
from zoo.core.files import locked
from zoo.harness.results.leaderboard import rebuild

BUILDER = runpy.run_path(str(Path(__file__).with_name("synthetic_results.py")))
QUICK = Path(__file__).parents[3] / "results" / "quick"


@pytest.fixture
def folder(tmp_path):
    BUILDER["write_results"](tmp_path / "b", ["one", "two", "gray"], photos=4, pictures=False, hints=False, failing=())
    rebuild(tmp_path / "b")
    return tmp_path / "b"


def rm(*arguments, **more):
    return CliRunner().invoke(cli, ["rm", *map(str, arguments)], **more)


def test_a_model_goes_with_all_its_seeds_and_its_row(folder):
    assert rm(folder, "two", "--yes").exit_code == 0
    assert set(zoo.leaderboard(folder)["model"]) == {"one", "gray"}
    assert not (folder / "runs" / "model1").exists()


def test_one_run_goes_by_its_folder(folder):
    run = next(folder.glob("runs/model0/seed1-*"))
    assert rm(folder, f"{run}/", "--yes").exit_code == 0
    table = zoo.leaderboard(folder)
    assert dict(zip(table["model"], table["seeds"], strict=True)) == {"one": 1, "two": 2, "gray": 2}


def test_with_the_last_run_the_tables_go(folder):
    assert rm(folder, "one", "two", "gray", "--yes").exit_code == 0
    assert [path.name for path in folder.iterdir() if not path.name.startswith(".")] == ["runs"]


def test_nothing_goes_unasked_from_elsewhere_or_under_a_bench(folder, tmp_path):
    before = sorted(folder.rglob("*"))
    unasked = rm(folder, "one")
    assert (unasked.exit_code, "--yes" in unasked.stderr) == (2, True)
    unknown = rm(folder, "ones", "--yes")
    assert (unknown.exit_code, "did you mean 'one'" in unknown.stderr) == (2, True)
    outside = tmp_path / "elsewhere" / "runs" / "one"
    shutil.copytree(folder / "runs" / "model0", outside)
    for path in (outside, "../elsewhere/runs/one", "..", "."):
        assert rm(folder, path, "--yes").exit_code == 2
    with locked(folder / ".lock"):
        at_work = rm(folder, "one", "--yes")
    assert (at_work.exit_code, "at work" in at_work.stderr) == (2, True)
    assert [path for path in sorted(folder.rglob("*")) if path.name != ".lock"] == before
    assert outside.is_dir()


def test_what_is_published_is_only_read():
    refused = rm(QUICK, "unet", "--yes")
    assert (refused.exit_code, "only read" in refused.stderr) == (2, True)
    assert list(QUICK.glob("runs/unet/*"))
