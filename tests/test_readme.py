"""The generated parts of our texts are current, the README is short, and its example works from a fresh clone."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from zoo.cli.main import cli
from zoo.core.photo import read_photo
from zoo.harness.data.folder import FOLDER

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "docs" / "example"

MACAW = FOLDER / "test" / "gcompris-scarlet_macaw-0.jpg"


@pytest.mark.slow
def test_the_tables_are_those_of_the_registry_and_the_results():
    command = [sys.executable, str(ROOT / "docs" / "update_readme.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_readme_is_a_page_and_a_half_and_links_to_what_is_there():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    linked = [target for target in re.findall(r"\]\(([^)]+)\)", text) if "://" not in target]
    assert {"docs/models.md", "results/quick/README.md"} <= set(linked)
    for target in linked:
        assert (ROOT / target).is_file(), target


def commands(verb: str) -> list[list[str]]:
    """The README's lines that call a verb, as words."""
    lines = (line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines())
    return [shlex.split(line, comments=True) for line in lines if line.startswith(f"zoo {verb} ")]


def test_the_example_of_colorize_works_in_a_fresh_clone(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    words, *others = commands("colorize")
    words[words.index("-o") + 1] = str(tmp_path / "macaw.png")
    result = CliRunner().invoke(cli, words[1:], prog_name="zoo")
    assert result.exit_code == 0, result.output
    assert "colour came out" not in result.stderr
    truth, grey = read_photo(MACAW), read_photo(EXAMPLE / "macaw.jpg")
    made = read_photo(tmp_path / "macaw.png")
    assert peak_signal_noise_ratio(truth, made) > peak_signal_noise_ratio(truth, grey) + 3
    # Of the others, what they colorize with is made by the line before them.
    (trained,) = commands("train")
    made = f"benches/{trained[trained.index('--suite') + 1]}/runs/{trained[2]}"
    for other in others:
        assert "--with" not in other or "--weights" in other or other[other.index("--with") + 1] == made


def test_the_example_is_a_test_photo_in_grey():
    with Image.open(MACAW) as truth, Image.open(EXAMPLE / "macaw.jpg") as grey:
        assert np.abs(np.asarray(truth.convert("L")).astype(int) - np.asarray(grey)).mean() < 2
