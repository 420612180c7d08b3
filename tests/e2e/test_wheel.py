"""The wheel holds everything, and an installed copy works away from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-index"]
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "-w", str(out), str(ROOT)], check=True)
    return next(out.glob("*.whl"))


@pytest.mark.slow
def test_the_table_the_suites_and_the_photos_travel_in_it(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "zoo/registry.yaml" in names
    assert {f"zoo/suites/{suite}.yaml" for suite in ("smoke", "quick", "gachon", "gachon128")} <= names
    photos = [name for name in names if name.startswith("zoo/harness/data/photos/") and name.endswith(".jpg")]
    assert len(photos) == 224 + 41 + 105
    assert "zoo/harness/data/photos/CREDITS.csv" in names
    templates = {path.relative_to(ROOT).as_posix() for path in (ROOT / "zoo").rglob("*.jinja")}
    assert "zoo/cli/plugin_template/pyproject.toml.jinja" in templates
    assert templates <= names
    assert not any(name.startswith(("tests", "benchmarks")) for name in names)


@pytest.mark.slow
def test_an_installed_copy_works_away_from_the_checkout(wheel, tmp_path):
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--target", str(site), str(wheel)], check=True)
    environment = {**os.environ, "PYTHONPATH": str(site), "ZOO_CACHE": str(tmp_path / "cache")}

    def python(*arguments: str) -> str:
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout

    assert str(site) in python("-c", "import zoo; print(zoo.__file__)")
    assert "residual_unet" in python("-m", "zoo", "list", "--format", "names")
    python("-m", "zoo", "bench", "--models", "gray", "--suite", "smoke", "--out", str(tmp_path / "results"))
    assert "gray" in (tmp_path / "results" / "leaderboard.csv").read_text()
