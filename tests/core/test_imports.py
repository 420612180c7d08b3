"""Who may import whom (CONTRIBUTING.md: the rooms and floors of the house). Imports point downwards only."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from zoo.core.registry import Registry

ROOT = Path(__file__).parents[2] / "zoo"

FORBIDDEN = {
    "core": ("zoo.parts", "zoo.harness", "zoo.studio", "zoo.cli"),
    "parts": ("zoo.harness", "zoo.studio", "zoo.cli"),
    "harness": ("zoo.parts", "zoo.studio", "zoo.cli"),
    "studio": ("zoo.parts", "zoo.harness", "zoo.cli"),
}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} uses a relative import"
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("room", FORBIDDEN)
def test_imports_point_downwards(room):
    for path in (ROOT / room).rglob("*.py"):
        wrong = [name for name in imports(path) if name.startswith(FORBIDDEN[room])]
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


FLOORS = (("data",), ("metrics", "training"), ("results",), ("plan",), ("scoring",), ("run",))
"""The rooms of the harness from the ground up; a room may look into those below it."""


def test_the_rooms_of_the_harness_are_floors():
    below = {
        room: [each for floor in FLOORS[:height] for each in floor]
        for height, floor in enumerate(FLOORS)
        for room in floor
    }
    found = {path.name for path in (ROOT / "harness").iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert found == set(below)
    for room, allowed in below.items():
        for path in (ROOT / "harness" / room).rglob("*.py"):
            rooms = {name.split(".")[2] for name in imports(path) if name.startswith("zoo.harness.")}
            assert rooms <= {room, *allowed}, f"{path.relative_to(ROOT)} looks into {rooms - {room, *allowed}}"


SHARED = ("blocks", "layers", "weights")
"""What parts of every kind may be made of."""


def test_a_part_knows_what_is_shared_and_its_own_kind_only():
    for path in (ROOT / "parts").rglob("*.py"):
        kind = path.relative_to(ROOT / "parts").parts[0]
        for name in imports(path):
            if name.startswith("zoo.parts"):
                other = name.split(".")[2]
                assert other in (kind, *SHARED), f"parts/{path.name} of {kind} imports {name}"


def test_what_is_shared_knows_no_part_that_is_made_of_it():
    """Blocks may be made of layers; layers and weights of themselves only."""
    for room, below in (("layers", ("layers",)), ("weights", ("weights",)), ("blocks", ("blocks", "layers"))):
        for path in (ROOT / "parts" / room).rglob("*.py"):
            known = tuple(f"zoo.parts.{each}." for each in below)
            wrong = [name for name in imports(path) if name.startswith("zoo.parts") and not name.startswith(known)]
            assert not wrong, f"parts/{room}/{path.name} imports {wrong}"


def test_blocks_are_what_the_registry_names():
    registry = Registry.read()
    named = {registry.entry("blocks", name).target.partition(":")[0] for name in registry.names("blocks")}
    assert {f"zoo.parts.blocks.{path.stem}" for path in (ROOT / "parts/blocks").glob("[!_]*.py")} <= named


def test_there_are_no_catch_alls():
    names = {path.stem for path in ROOT.rglob("*.py")}
    assert not names & {"utils", "util", "helpers", "helper", "misc", "common", "base"}
