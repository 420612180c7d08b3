"""The published leaderboard keeps what its README says of it; whoever publishes another is told here."""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from pathlib import Path

import pytest

import zoo
from zoo.core.registry import current
from zoo.core.registry_rows import OURS
from zoo.core.resolve import resolve
from zoo.harness.plan.keys import Rules
from zoo.harness.plan.planning import plan_runs, resolve_model
from zoo.harness.plan.settings import changed_suite, divided
from zoo.harness.plan.suite import Suite, describe_data, load_suite, open_photos
from zoo.harness.results.finished_runs import read_results
from zoo.harness.results.run_record import RunRecord

RESULTS = Path(__file__).parents[1] / "results"
QUICK = RESULTS / "quick"
README = QUICK / "README.md"


def table(name: str) -> list[dict[str, str]]:
    with (QUICK / name).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def rows() -> dict[str, dict[str, str]]:
    return {row["model"]: row for row in table("leaderboard.csv")}


def ours() -> list[str]:
    return [name for name in zoo.list_models() if current().entry("models", name).distribution == OURS]


def trained(rows: dict[str, dict[str, str]]) -> list[str]:
    """Those that are published; what came later the README names, as docs/update_readme.py finds it."""
    return [name for name in ours() if name in rows and resolve(name).recipe != "untrained"]


def test_every_row_is_a_model_of_ours_and_ok(rows):
    assert {row for row in rows if " (" not in row} <= set(ours())
    assert {row["status"] for row in rows.values()} == {"ok"}


def test_every_trained_model_is_above_grey(rows):
    grey = rows["gray"]
    assert [name for name in trained(rows) if float(rows[name]["psnr"]) <= float(grey["psnr"])] == []
    assert [name for name in trained(rows) if float(rows[name]["delta_e00"]) >= float(grey["delta_e00"])] == []


def test_psnr_rises_with_hints_but_where_the_readme_says_so(rows):
    curves: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for row in table("hints.csv"):
        curves[row["model"], row["sweep"]].append((float(row["level"]), float(row["psnr"])))
    read = {name for name in trained(rows) if resolve(name).hint_gain > 1}
    hinted = read | {"cheng2015", "levin2004", "huang2005"}
    assert hinted <= {model for model, _ in curves}
    falls = set()
    for (model, sweep), curve in curves.items():
        (_, fewest), *_, (_, most) = sorted(curve)
        if model in hinted and most <= fewest:
            falls.add((model, sweep, f"{fewest:.2f}", f"{most:.2f}"))
    said = re.findall(
        r"`(\w+)` falls with more hints \((\w+): ([\d.]+) to ([\d.]+) dB\)", README.read_text(encoding="utf-8")
    )
    assert falls == set(said)


def below_levin(rows: dict[str, dict[str, str]], upon: set[str]) -> list[str]:
    """The rows ``upon`` a propagator, or which are one, that are worse than Levin's solver, which learns nothing."""
    floor = float(rows["levin2004"]["psnr"])
    return [name for name in ours() if name in rows and name in upon and float(rows[name]["psnr"]) < floor]


def unexplained(rows: dict[str, dict[str, str]], below: list[str], notes: dict[str, str]) -> list[str]:
    """Those of ``below`` whose note does not say so, with what was measured, to a tenth of a decibel or so."""
    found = {name: re.search(r"[Bb]elow levin2004 \(quick: ([\d.]+) dB", notes[name]) for name in below}
    return [name for name, said in found.items() if not said or abs(float(said[1]) - float(rows[name]["psnr"])) > 0.25]


def test_a_row_upon_a_propagator_and_below_levin2004_is_explained_in_its_note(rows):
    """``ddcolor``, which reads no hints, stands upon none and is not asked."""
    upon = set()
    for file in QUICK.glob("runs/*/*/run.json"):
        record = json.loads(file.read_text(encoding="utf-8"))
        if "propagator" in record["spec"]["parts"]:
            upon.add(record["model"])
    notes = {name: resolve(name).note for name in ours()}
    assert unexplained(rows, below_levin(rows, upon), notes) == []


def test_a_row_below_levin2004_without_its_measurement_would_be_seen():
    scores = {"levin2004": 26.5, "fpn": 25.04, "push_pull": 24.0, "vit_unet": 26.6, "gray": 20.0}
    rows = {name: {"psnr": f"{score:.3f}"} for name, score in scores.items()}
    below = below_levin(rows, set(rows) - {"gray"})
    assert set(below) == {"fpn", "push_pull"}
    said = "Below levin2004 (quick: 25.0 dB, levin2004 26.5): too few steps"
    assert unexplained(rows, below, {"fpn": said, "push_pull": said}) == ["push_pull"]
    assert set(unexplained(rows, below, {"fpn": "", "push_pull": said.replace("quick", "day")})) == set(below)


def keys_now(suite: Suite, record: RunRecord) -> set[str]:
    """What a bench would know the record's run by, were it made now; its photos are taken as the record has them."""
    rules = Rules(suite, record.data, "cpu")
    return {run.training_key for run in plan_runs(record.model, resolve_model(record.model, suite), rules)}


def made(folder: Path) -> dict[str, RunRecord]:
    """Of each row the record of its first seed."""
    found = {run.record.model: run.record for run in read_results(folder) if run.record.seed == 0}
    return found


@pytest.mark.parametrize("name", ["quick", "day"])
def test_the_published_rows_are_those_of_the_present_table(name):
    """What the command would give again: none is of an earlier version of its parts, its recipe or the suite."""
    suite = load_suite(name)
    records = made(RESULTS / name)
    assert records
    assert [model for model, record in records.items() if record.training_key not in keys_now(suite, record)] == []


def test_the_published_photos_are_those_that_come_with_the_zoo():
    suite = load_suite("quick")
    now = describe_data(suite, open_photos(suite))
    assert [model for model, record in made(QUICK).items() if record.data != now] == []


def test_a_row_that_has_changed_would_be_seen():
    record = made(QUICK)["residual_unet"]
    for options in ({"recipe.lr": 2e-3}, {"suite.batch": 8}, {"width": 8}):
        settings = divided(options)
        suite = changed_suite(load_suite("quick"), settings.suite)
        spec = resolve_model("residual_unet", suite, settings.models)
        (run,) = plan_runs("residual_unet", spec, Rules(suite, record.data, "cpu", settings=settings))
        assert run.training_key != record.training_key, options
