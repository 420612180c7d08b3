"""Every command and snippet of docs/colorize.md and docs/by_hand.md does what stands there."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from safetensors.torch import save_file

from zoo.cli.main import cli
from zoo.core.resolve import build

TEXT, BY_HAND = (
    (Path(__file__).parents[2] / "docs" / page).read_text(encoding="utf-8") for page in ("colorize.md", "by_hand.md")
)
COMMANDS, COMMANDS_BY_HAND = (
    [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    for text in (TEXT, BY_HAND)
)
(SNIPPET,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
STANDS_FOR = {"MODEL": "pyramid", "RUN": "unet_mixture --set width=4 --weights several.safetensors"}
(MARKS,) = re.findall(r"```json\n(.*?)```", BY_HAND, re.DOTALL)


@pytest.fixture
def here(tmp_path, photos, monkeypatch) -> Path:
    """What the page speaks of, small."""
    for name, photo in zip(
        ("photo.jpg", "print.jpg", "other.jpg", "album/a.jpg", "scans/1950/b.tif"), photos, strict=False
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo[:64, :80]).save(tmp_path / name)
    hints = np.zeros((64, 80, 4), np.uint8)
    hints[10:20, 10:20], hints[40:50, 50:60] = (200, 40, 40, 255), (40, 60, 200, 255)
    Image.fromarray(hints).save(tmp_path / "hints.png")
    (tmp_path / "hints.json").write_text(MARKS)
    save_file(build("unet_mixture", width=4).network.state_dict(), tmp_path / "several.safetensors")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "line", [line for line in COMMANDS + COMMANDS_BY_HAND if not line.startswith(("pip ", "zoo serve"))]
)
def test_a_command_works(here, line):
    before, pipe, command = line.rpartition(" | ")
    given = subprocess.run(before, shell=True, capture_output=True, check=True).stdout if pipe else None
    words = [word for each in shlex.split(command, comments=True) for word in STANDS_FOR.get(each, each).split()]
    result = CliRunner().invoke(cli, words[1:], given, prog_name="zoo")
    assert result.exit_code == 0, result.output
    if words[1] == "colorize":
        assert not result.stdout.startswith("0 colorized")
        assert list(here.rglob("*.colorized*.png"))
    else:
        assert re.search("#[0-9a-f]{6}", result.stdout)


def test_the_snippet_colours(here):
    space: dict[str, object] = {}
    exec(SNIPPET, space)
    assert np.ptp(np.asarray(space["rgb"]).astype(int), axis=2).mean() > 5


def test_there_are_commands():
    assert len(COMMANDS) == 8
    assert len(COMMANDS_BY_HAND) == 7


def test_a_mistake_in_the_hints_is_the_sentence_of_the_page(here):
    (here / "hints.json").write_text(MARKS.replace("tan", "tann"))
    command = next(line for line in COMMANDS_BY_HAND if "--hints hints.json" in line)
    result = CliRunner().invoke(cli, shlex.split(command)[1:], prog_name="zoo")
    (sentence,) = re.findall(r"\*(hints\.json, .*?\?)\*", BY_HAND.replace("\n", " "))
    assert sentence in result.stderr
