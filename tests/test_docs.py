"""The notebook and the snippets in docs/ run as they stand."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from zoo.cli.main import cli
from zoo.core.files import read_csv

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_notebook_runs_from_its_first_cell_to_its_last(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    notebook = json.loads((ROOT / "docs" / "read_a_leaderboard.ipynb").read_text(encoding="utf-8"))
    assert all(cell.get("outputs", []) == [] for cell in notebook["cells"]), "commit it without outputs"
    place: dict[str, object] = {}
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"cell {number}", "exec"), place)
    assert "better than grey on" in capsys.readouterr().out
    assert len(place["best"]) > 1, "the last cell's question has an answer"


@pytest.mark.parametrize("page", ["metrics.md"])
def test_the_snippets_of_a_page_run(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    snippets = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL)
    assert snippets
    place: dict[str, object] = {}
    for snippet in snippets:
        exec(compile(snippet, page, "exec"), place)


@pytest.mark.slow
def test_everything_on_the_page_of_own_parts_works(tmp_path, monkeypatch):
    """Its classes in one module, its rows in one file, its commands as they stand."""
    text = (ROOT / "docs" / "adding.md").read_text(encoding="utf-8")
    blocks = {kind: re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL) for kind in ("python", "yaml", "sh")}
    table: dict[str, dict[str, object]] = {}
    for block in map(yaml.safe_load, blocks["yaml"]):
        for kind, rows in block.items():
            table.setdefault(kind, {}).update(rows)
    (tmp_path / "mine.py").write_text("\n".join(blocks["python"]))
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(table))
    monkeypatch.chdir(tmp_path)
    for command in (line for block in blocks["sh"] for line in block.splitlines()):
        result = CliRunner().invoke(cli, [*shlex.split(command)[1:], "--no-baselines", "--set", "width=8"])
        assert result.exit_code == 0, result.output
    assert "here begins linknet width=8, seed 0" in result.output, "the last one is by an executor of its own"
    columns, rows = read_csv(Path("benches/smoke/leaderboard.csv"))
    assert "worst_pixel" in columns
    names = {"unet width=8", "unet recipe=smooth width=8", "two_level_unet width=8", "linknet width=8"}
    assert {row["model"] for row in rows} == names
    assert {row["status"] for row in rows} == {"ok"}
