"""The published leaderboard keeps what its README says of it; whoever publishes another is told here."""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
import pytest

import zoo
from zoo.core.kinds import KIND_OF_ROLE
from zoo.core.recorded import spec_of_record
from zoo.core.registry import current
from zoo.core.registry_rows import OURS
from zoo.core.resolve import resolve
from zoo.core.spec import part_ref

QUICK = Path(__file__).parents[1] / "results" / "quick"


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


def test_psnr_rises_with_hints(rows):
    curves: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for row in table("hints.csv"):
        curves[row["model"], row["sweep"]].append((float(row["level"]), float(row["psnr"])))
    read = {name for name in trained(rows) if resolve(name).hint_gain > 1}
    hinted = read | {"cheng2015", "levin2004", "huang2005"}
    assert hinted <= {model for model, _ in curves}
    for (model, sweep), curve in curves.items():
        if model in hinted:
            psnr = [value for _, value in sorted(curve)]
            assert psnr[-1] > psnr[0], (model, sweep)


def below_levin(rows: dict[str, dict[str, str]], upon: set[str]) -> list[str]:
    """The rows ``upon`` a propagator, or which are one, that are worse than Levin's solver, which learns nothing."""
    floor = float(rows["levin2004"]["psnr"])
    return [name for name in ours() if name in rows and name in upon and float(rows[name]["psnr"]) < floor]


def unexplained(rows: dict[str, dict[str, str]], below: list[str], notes: dict[str, str]) -> list[str]:
    """Those of ``below`` whose note does not say so, with what was measured, to a tenth of a decibel or so."""
    found = {name: re.search(r"[Bb]elow levin2004 \(quick: ([\d.]+) dB", notes[name]) for name in below}
    return [name for name, said in found.items() if not said or abs(float(said[1]) - float(rows[name]["psnr"])) > 0.25]


def test_a_row_upon_a_propagator_and_below_levin2004_is_explained_in_its_note(rows):
    """The rows of November 21, 2026 stood upon none, and are not asked."""
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


TRAINING = (
    "optimizer",
    "lr",
    "betas",
    "momentum",
    "weight_decay",
    "schedule",
    "warmup",
    "clip",
    "ema",
    "flip",
    "losses",
)
"""What of a recipe the suite quick leaves as it is; batch, budget and hints are the suite's own."""


def plain(value: Any) -> Any:
    """As a record holds it: what JSON knows, a part without options by its name."""
    value = json.loads(json.dumps(msgspec.to_builtins(value)))
    return value["name"] if isinstance(value, dict) and list(value) == ["name"] else value


def changes(record: dict[str, Any]) -> list[str]:
    """What of the present table is other than when the run was made, in words. Keys are not looked at."""
    now = resolve(record["model"], defaults=record["plan"]["suite"]["options"])
    found = []
    then = spec_of_record(record["spec"])
    for role, of in record["spec"]["versions"].items():
        name, _, version = of.rpartition(":")
        if role == "network":  # one number stood for the model's row and for its network
            role, ref = next(iter(now.parts.items()))
            present = max(now.version, int(current().entry(KIND_OF_ROLE[role], ref.name).version))
        else:
            kind = KIND_OF_ROLE.get(role) or role.rpartition(".")[2].rpartition("_")[2] + "s"
            present = int(current().entry(kind, name).version)
        if present != int(version):
            found.append(f"{role} {name} is version {present}, was {version}")
    if plain(now.parts) != plain(then.parts):
        found.append(f"its parts are {plain(now.parts)}, were {plain(then.parts)}")
    if (now.hint_gain, now.extras) != (then.hint_gain, then.extras):
        found.append("its hint gain or extras")
    was, recipe = record["plan"]["recipe"], plain(current().recipe(record["recipe"]))
    found += [f"recipe {record['recipe']}: {field}" for field in TRAINING if plain(recipe[field]) != plain(was[field])]
    objective, before = part_ref(recipe["objective"], "now"), part_ref(was["objective"], "then")
    # The suite gives a discriminator its width, which no recipe says.
    given = {key: before.options[key] for key in before.options if key in record["plan"]["suite"]["options"]}
    if (objective.name, {**objective.options, **given}) != (before.name, before.options):
        found.append(f"recipe {record['recipe']}: objective")
    return found


def test_the_published_rows_are_of_the_present_table_or_named_as_outdated():
    """results/quick/README.md names the rows that the present table would not give again, and no others."""
    outdated: dict[str, list[str]] = {}
    for file in sorted(QUICK.glob("runs/*/*/run.json")):
        record = json.loads(file.read_text(encoding="utf-8"))
        if found := changes(record):
            outdated[record["model"]] = found
    _, text = (QUICK / "README.md").read_text(encoding="utf-8").split("## Outdated")
    named = set(re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE))
    assert named == set(outdated), outdated


def test_a_changed_row_would_be_seen():
    file = next(QUICK.glob("runs/residual_unet/*/run.json"))
    record = json.loads(file.read_text(encoding="utf-8"))
    assert changes(record) == []
    for path, value in (
        (("spec", "versions", "encoder.block"), "residual:7"),
        (("spec", "parts", "decoder", "options", "skip"), "concat"),
        (("spec", "hint_gain"), 4.0),
        (("plan", "recipe", "lr"), 2e-3),
        (("plan", "recipe", "objective"), "staged"),
    ):
        other = json.loads(file.read_text(encoding="utf-8"))
        *inwards, last = path
        place = other
        for key in inwards:
            place = place[key]
        place[last] = value
        assert len(changes(other)) == 1, path
