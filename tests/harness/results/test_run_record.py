"""``run.json``: one definition, which reads what was published and says what it cannot read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from zoo.core.errors import BadInput
from zoo.harness.results.leaderboard import rebuild
from zoo.harness.results.run_record import RunRecord, read_record

ROOT = Path(__file__).parents[3]
PUBLISHED = sorted((ROOT / "results" / "quick").glob("runs/*/*/run.json"))


def a_record(**changes) -> RunRecord:
    found = read_record(PUBLISHED[0].read_bytes(), PUBLISHED[0])
    return msgspec.structs.replace(found, **changes)


def is_part(before, after) -> bool:
    """Whether every value is still there; there may be more fields."""
    if isinstance(before, dict):
        return all(key in after and is_part(value, after[key]) for key, value in before.items())
    return before == after


def test_every_published_record_reads_and_none_of_its_fields_is_lost():
    assert len(PUBLISHED) > 50
    for path in PUBLISHED:
        content = path.read_bytes()
        record = read_record(content, path)
        assert is_part(json.loads(content), json.loads(record.json())), path
        assert read_record(record.json().encode(), path) == record


@pytest.mark.parametrize("where", ["", "provenance", "plan"])
def test_a_field_of_a_newer_zoo_is_said_and_not_dropped(where):
    row = json.loads(PUBLISHED[0].read_bytes())
    (row[where] if where else row)["altitude"] = 3
    with pytest.raises(BadInput, match=r"run\.json was written by a newer zoo .*altitude.*; update"):
        read_record(json.dumps(row).encode(), "run.json")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": "0"}, "seed"),
        ({"label": None}, "label"),
        ({"protocol": {"size": 64}}, "fingerprint"),
        ({"images": None}, "images and costs"),
        ({"costs": {}}, "images and costs"),
        ({"samples": {"diversity": 1.0}}, "no k"),
        ({"curve": [{"psnr": 3.0}]}, "curve"),
        ({"data": {"train": 3}}, "data"),
        ({"schema": 2}, "version 2"),
    ],
)
def test_a_damaged_record_is_one_sentence(change, said):
    row = {**json.loads(PUBLISHED[0].read_bytes()), **change}
    with pytest.raises(BadInput, match=said) as error:
        read_record(json.dumps(row).encode(), "there/run.json")
    assert str(error.value).startswith("there/run.json ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "change", [{"scores": {"psnr": float("nan")}}, {"costs": {"gflops": float("inf")}}, {"seed": 1.5}]
)
def test_what_could_not_be_read_back_is_not_written(change):
    with pytest.raises(ValueError):
        a_record(**change).json()


@pytest.mark.slow
@pytest.mark.parametrize("folder", [path.parent for path in ROOT.glob("results/*/runs")], ids=lambda path: path.name)
def test_published_tables_are_their_rebuild_to_the_byte(folder, tmp_path):
    """They are a pure function of the runs, and of nothing else."""
    shutil.copytree(folder / "runs", tmp_path / "runs")
    rebuild(tmp_path)
    rebuilt = {path.name: path.read_bytes() for path in tmp_path.glob("*.csv")}
    assert rebuilt == {path.name: path.read_bytes() for path in folder.glob("*.csv")}
