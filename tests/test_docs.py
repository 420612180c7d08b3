"""The notebook and the snippets in docs/ run as they stand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

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
