"""Strangers' distributions, really built and installed, benched by the real command line.

One folder takes them all: a good model, one that breaks at import, one that calls sys.exit, one that
kills the process that imports it, one whose contract is wrong, and two that want the same name.
"""

from __future__ import annotations

import contextlib
import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hatchling.build import build_wheel

pytestmark = pytest.mark.slow(seconds=30)  # packages are built and installed

GOOD = """
from torch import nn

class Mine(nn.Module):
    "One convolution."
    stride = 1

    def __init__(self, *, width: int = 8):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(4, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 2, 1))

    def forward(self, condition):
        return self.body(condition)
"""

PACKAGES = {
    "zoo-mine": ("mine", GOOD),
    "zoo-broken": ("broken", "raise ImportError('its library is missing')"),
    "zoo-leaving": ("leaving", "import sys\nsys.exit('goodbye')"),
    "zoo-deadly": ("deadly", "import os\nos._exit(7)"),
    "zoo-wrong": ("wrong", GOOD.replace("return self.body(condition)", "return self.body(condition)[:, :1]")),
    "zoo-first": ("contested", GOOD),
    "zoo-second": ("contested", GOOD),
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The folder all of them are installed into."""
    target, wheels = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("wheels")
    for distribution, (name, code) in PACKAGES.items():
        root = tmp_path_factory.mktemp("source") / distribution
        module = distribution.replace("-", "_")
        (root / module).mkdir(parents=True)
        (root / module / "__init__.py").write_text(code)
        (root / "pyproject.toml").write_text(
            f"""
            [build-system]
            requires = ["hatchling"]
            build-backend = "hatchling.build"
            [project]
            name = "{distribution}"
            version = "1.2.3"
            [project.entry-points."zoo.models"]
            {name} = "{module}:Mine"
            """.replace("\n            ", "\n")
        )
        with contextlib.chdir(root):  # as an installer asks a build backend (PEP 517)
            build_wheel(str(wheels))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    subprocess.run([*pip, "--no-deps", "--target", str(target), *map(str, wheels.glob("*.whl"))], check=True)
    return target


@pytest.fixture(scope="module")
def zoo_command(installed):
    """The command line as a user of that environment has it."""

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(installed), "COLUMNS": "200"}
        command = [sys.executable, "-m", "zoo", *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

    return call


@pytest.fixture(scope="module")
def benched(zoo_command, tmp_path_factory):
    """One bench of all of them beside a model of ours."""
    out = tmp_path_factory.mktemp("out") / "results"
    models = "mine,gray,brok*,leav*,deadly,wrong,contested*"
    done = zoo_command("bench", "--models", models, "--suite", "smoke", "--out", str(out))
    with (out / "leaderboard.csv").open(newline="") as file:
        return done, {row["model"]: row for row in csv.DictReader(file)}


def test_a_strangers_model_stands_beside_ours(benched):
    _, rows = benched
    assert rows["mine"]["status"] == rows["gray"]["status"] == "ok"
    assert float(rows["mine"]["psnr"]) > 10
    assert rows["mine"]["rank"]


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("broken", "its library is missing"),
        ("leaving", "SystemExit: goodbye"),
        ("deadly", "ends the process that imports it (exit code 7)"),
        ("wrong", "returned ab of shape"),
    ],
)
def test_a_broken_one_is_a_row_with_its_reason(benched, model, reason):
    _, rows = benched
    assert rows[model]["status"] == "plugin_error"
    assert reason in rows[model]["error"]


def test_colliding_names_are_both_reachable(benched, zoo_command):
    _, rows = benched
    assert rows["contested@zoo-first"]["status"] == rows["contested@zoo-second"]["status"] == "ok"
    refused = zoo_command("bench", "--models", "contested", "--suite", "smoke")
    assert refused.returncode == 2
    assert "contested@zoo-first and contested@zoo-second" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_exit_code_tells_who_was_named(benched, zoo_command, tmp_path):
    done, _ = benched
    assert done.returncode == 1, "'deadly' and 'wrong' were named"
    under_glob = zoo_command("bench", "--models", "gray,brok*", "--suite", "smoke", "--out", str(tmp_path / "r"))
    assert under_glob.returncode == 0, under_glob.stderr


def test_listing_shows_them_and_imports_none(zoo_command):
    listed = zoo_command("list", "models", "--format", "names")
    assert listed.returncode == 0, "not even the one that kills its process"
    assert {"mine", "deadly", "contested@zoo-first"} <= set(listed.stdout.split())


def test_show_names_the_distribution(zoo_command):
    shown = zoo_command("show", "mine")
    assert "zoo-mine 1.2.3" in shown.stdout
    broken = zoo_command("show", "broken")
    assert "Traceback" not in broken.stderr
    assert "its library is missing" in broken.stdout + broken.stderr
