"""`zoo new-plugin` writes a package that installs, passes the probe and its own test."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from zoo.cli.main import cli
from zoo.cli.new_plugin import plugin_files
from zoo.core import registry
from zoo.core.probe import probe_model


def new_plugin(name: str, folder: Path) -> Result:
    return CliRunner().invoke(cli, ["new-plugin", name, "-o", str(folder)], prog_name="zoo")


@pytest.mark.slow
def test_the_package_installs_and_its_test_passes(tmp_path, monkeypatch):
    assert new_plugin("my_idea", tmp_path).exit_code == 0
    package, target = tmp_path / "zoo-my-idea", tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*install, "--target", str(target), str(package)], check=True, capture_output=True)
    monkeypatch.syspath_prepend(target)
    importlib.invalidate_caches()
    registry.use(registry.Registry.read())
    try:
        assert registry.current().entry("models", "my_idea").distribution == "zoo-my-idea"
        assert probe_model("my_idea").failures == []
    finally:
        registry.use(None)
    paths = os.pathsep.join([str(target), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", str(package)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_class_is_short_enough_to_read_at_a_glance(tmp_path):
    new_plugin("brief", tmp_path)
    text = (tmp_path / "zoo-brief" / "src" / "zoo_brief" / "__init__.py").read_text()
    assert len(text[text.index("class ") :].splitlines()) <= 25


def test_its_files_are_those_of_the_templates_with_the_name_filled_in():
    files = plugin_files("my_idea")
    assert sorted(files) == ["README.md", "pyproject.toml", "src/zoo_my_idea/__init__.py", "tests/test_my_idea.py"]
    assert tomllib.loads(files["pyproject.toml"])["project"]["name"] == "zoo-my-idea"
    assert "class MyIdea(nn.Module)" in files["src/zoo_my_idea/__init__.py"]
    for text in files.values():
        assert "{{" not in text
        assert text.endswith("\n")


def test_nothing_is_overwritten(tmp_path):
    new_plugin("mine", tmp_path)
    test = tmp_path / "zoo-mine" / "tests" / "test_mine.py"
    test.write_text("mine")
    again = new_plugin("mine", tmp_path)
    assert again.exit_code == 2
    assert test.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["zoo-mine"]


@pytest.mark.parametrize("name", ["", "a b", "../up", "1st", "class", "Größe", "a/b", "x" * 300, "a\0b", "unet"])
def test_a_name_that_cannot_be_is_refused(tmp_path, name):
    assert new_plugin(name, tmp_path).exit_code == 2
    assert list(tmp_path.iterdir()) == []
