"""The published leaderboard keeps what the README says of it; whoever publishes another is told here."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest

import zoo
from zoo.core.assemble import resolve
from zoo.core.record import OURS
from zoo.core.registry import current

QUICK = Path(__file__).parents[1] / "results" / "quick"


def table(name: str) -> list[dict[str, str]]:
    with (QUICK / name).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def rows() -> dict[str, dict[str, str]]:
    return {row["model"]: row for row in table("leaderboard.csv")}


def ours() -> list[str]:
    return [name for name in zoo.list_models() if current().record("models", name).distribution == OURS]


def trained() -> list[str]:
    return [name for name in ours() if resolve(name).recipe != "untrained"]


def test_every_model_has_a_row_and_every_row_is_ok(rows):
    assert set(ours()) <= set(rows)
    assert {row["status"] for row in rows.values()} == {"ok"}


def test_every_trained_model_is_above_grey(rows):
    grey = rows["gray"]
    assert [name for name in trained() if float(rows[name]["psnr"]) <= float(grey["psnr"])] == []
    assert [name for name in trained() if float(rows[name]["delta_e00"]) >= float(grey["delta_e00"])] == []


def test_psnr_rises_with_hints():
    curves: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for row in table("hints.csv"):
        curves[row["model"], row["sweep"]].append((float(row["level"]), float(row["psnr"])))
    read = {name for name in trained() if resolve(name).hint_gain > 1}
    hinted = read | {"cheng2015", "levin2004", "huang2005"}
    assert hinted <= {model for model, _ in curves}
    for (model, sweep), curve in curves.items():
        if model in hinted:
            psnr = [value for _, value in sorted(curve)]
            assert psnr[-1] > psnr[0], (model, sweep)
