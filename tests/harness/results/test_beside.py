"""The ranks of another budget stand beside a folder's own."""

from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from zoo.cli.main import cli
from zoo.core.errors import BadInput
from zoo.harness.results.beside import beside
from zoo.harness.results.columns import RANK
from zoo.harness.results.leaderboard import read_table, rebuild

WRITER = runpy.run_path(str(Path(__file__).with_name("synthetic_results.py")))
MODELS = ["unet", "fpn", "enet", "gray", "mean_ab"]


def change(folder, **changes):
    """Other values in the protocol of every record."""
    for file in folder.glob("runs/*/*/run.json"):
        record = json.loads(file.read_text())
        record["protocol"] |= changes
        file.write_text(json.dumps(record))
    rebuild(folder)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The same models under two budgets, in two orders."""
    folder = tmp_path_factory.mktemp("results")
    for name, models in (("quick", MODELS), ("quick_seconds", [*MODELS[2::-1], *MODELS[3:]])):
        WRITER["write_results"](
            folder / name, models, pictures=False, hints=False, failing=(), protocol=f"protocol{name}"
        )
    change(folder / "quick")
    change(folder / "quick_seconds", budget={"steps": None, "epochs": None, "seconds": 20})
    return folder


def zoo(*arguments):
    result = CliRunner().invoke(cli, [str(each) for each in arguments], prog_name="zoo")
    assert result.exit_code == 0, result.output
    return result.stdout


def ranks(folder):
    return {row.cells["model"]: RANK.read(row.cells) for row in read_table(folder)[1]}


def test_the_other_budget_is_found_next_to_the_folder_and_its_ranks_are_shown(two):
    theirs = ranks(two / "quick_seconds")
    assert [theirs[name][0] for name in MODELS[:3]] == ["3", "2", "1"]
    header, *rows = zoo("leaderboard", two / "quick", "--format", "md").splitlines()
    names = [cell.strip() for cell in header.strip("|").split("|")]
    assert names[:3] == ["rank", "rank_quick_seconds", "model"]
    for row in rows[1:]:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert cells[1] == theirs[cells[2].removesuffix(" (baseline)")]


def test_the_report_says_it_too_and_names_the_budget(two, tmp_path):
    zoo("report", two / "quick", "-o", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "rank in quick_seconds" in page
    assert "place in quick_seconds, by 20 seconds" in page
    assert 'class="number rank_quick_seconds"' in page
    zoo("report", two / "quick_seconds", "-o", tmp_path / "other.html")
    other = (tmp_path / "other.html").read_text()
    assert "place in quick, by 160 steps" in other
    assert "as many steps as fill 20 seconds, measured before, which are 160 to 160" in other


def test_other_photos_or_the_same_budget_are_no_second_budget(two, tmp_path):
    shutil.copytree(two, tmp_path / "copy")
    two = tmp_path / "copy"
    for changes in ({"test": "other"}, {"budget": {"steps": 160, "epochs": None, "seconds": None}}):
        change(two / "quick_seconds", **changes)
        assert beside(two / "quick") == []
        assert [each.column.name for each in beside(two / "quick", [two / "quick_seconds"])] == ["rank_quick_seconds"]


def test_csv_and_json_are_the_file_as_it_is(two):
    assert zoo("leaderboard", two / "quick", "--format", "csv") == (two / "quick" / "leaderboard.csv").read_text()


def test_a_folder_without_a_leaderboard_is_one_sentence(two, tmp_path):
    with pytest.raises(BadInput, match=r"leaderboard\.csv does not exist; name a results folder"):
        beside(two / "quick", [tmp_path])
