"""docs/suites.md: every suite is there, and every command in it works."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from zoo.cli.main import cli
from zoo.core.files import read_csv
from zoo.harness.plan.suite import load_suite, suite_names

TEXT = (Path(__file__).parents[1] / "docs" / "suites.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^zoo .*$", TEXT, flags=re.MULTILINE)


def test_every_suite_has_a_row_and_a_command():
    for name in set(suite_names()) - {"smoke"}:
        assert f"| `{name}` |" in TEXT
        assert f"zoo bench --suite {name}" in TEXT
        assert f"**`{name}`**" in TEXT or name == "quick_seconds"


def test_what_trains_nothing_is_said_to():
    said = {line.split("`")[1] for line in TEXT.splitlines() if line.endswith("| nothing is trained |")}
    assert said == {name for name in suite_names() if not load_suite(name).trains}


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_works(command, photo_paths, tmp_path, monkeypatch):
    """As it stands, with three photos in the place of a pack and one model that needs no training."""
    monkeypatch.chdir(tmp_path)
    for split in ("train", "test"):
        (tmp_path / "PACK" / split).mkdir(parents=True)
    for path in photo_paths[:3]:
        shutil.copy(path, tmp_path / "PACK" / "test")
    shutil.copy(photo_paths[3], tmp_path / "PACK" / "train")
    _, verb, *words = shlex.split(command)
    suite = words[words.index("--suite") + 1]
    if verb == "eval":
        trained = CliRunner().invoke(cli, ["train", "unet", "--suite", "smoke", "--out", "benches/day"])
        assert trained.exit_code == 0, trained.output
    else:
        models = (
            ["gray,unet", "--set", "suite.test_limit=3", "--budget", "steps=2"] if "recipe" in command else ["gray"]
        )
        words += ["--models", *models, "--no-baselines", "--seeds", "1"]
    words = [word.replace("auto", "cpu") for word in words]
    result = CliRunner().invoke(cli, [verb, *words], prog_name="zoo")
    assert result.exit_code == 0, result.output
    rows = {row["model"]: row for row in read_csv(Path("benches") / suite / "leaderboard.csv")[1]}
    row = rows["gray" if verb == "bench" else "unet (smoke)"]
    assert (row["status"], row["suite"]) == ("ok", suite)
    if "folder:PACK" in command and suite != "day":
        assert row["images"] == "3"
