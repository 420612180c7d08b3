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
from zoo.harness.plan.keys import check_suite
from zoo.harness.plan.suite import load_suite, suite_names

TEXT = (Path(__file__).parents[1] / "docs" / "suites.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^zoo .*$", TEXT, flags=re.MULTILINE)


def test_every_suite_has_a_row_and_a_command():
    for name in set(suite_names()) - {"smoke"}:
        assert f"| `{name}` |" in TEXT
        assert f"zoo bench --suite {name}" in TEXT
        assert f"**`{name}`**" in TEXT or name == "quick_seconds"


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL))
def test_a_suite_on_the_page_is_one(block, tmp_path):
    (tmp_path / "mine.yaml").write_text(block)
    check_suite(load_suite(str(tmp_path / "mine.yaml")))


def test_what_trains_nothing_is_said_to():
    said = {line.split("`")[1] for line in TEXT.splitlines() if line.endswith("| nothing is trained |")}
    assert said == {name for name in suite_names() if not load_suite(name).trains}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A results folder with a trained U-Net."""
    folder = tmp_path_factory.mktemp("trained") / "day"
    made = CliRunner().invoke(cli, ["train", "unet", "--suite", "smoke", "--out", str(folder)])
    assert made.exit_code == 0, made.output
    return folder


@pytest.mark.slow(seconds=15)
@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_works(command, photo_paths, tmp_path, monkeypatch, request):
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
        shutil.copytree(request.getfixturevalue("trained"), "benches/day")
        words += [] if "--data" in words else ["--data", "folder:PACK"]
    else:
        models = (
            ["gray,unet", "--set", "suite.test_limit=3", "--budget", "steps=2"] if "recipe" in command else ["gray"]
        )
        words += ["--models", *models, "--no-baselines", "--seeds", "1"]
    words += [] if verb == "eval" or "test_limit" in str(words) else ["--set", "suite.test_limit=3"]
    words = [word.replace("auto", "cpu") for word in words]
    result = CliRunner().invoke(cli, [verb, *words], prog_name="zoo")
    assert result.exit_code == 0, result.output
    rows = {row["model"]: row for row in read_csv(Path("benches") / suite / "leaderboard.csv")[1]}
    row = rows["gray" if verb == "bench" else "unet (smoke)"]
    assert (row["status"], row["suite"]) == ("ok", suite)
    assert row["images"] == "3"


@pytest.mark.slow
def test_the_gpus_suite_trains_a_few_steps_on_the_cpu(photo_paths, tmp_path, monkeypatch):
    """gachon128 whole but for its budget: its sizes, recipes, sweeps, rulers and looks, on three photos."""
    monkeypatch.chdir(tmp_path)
    for split, paths in (("train", photo_paths[3:6]), ("validation", photo_paths[6:]), ("test", photo_paths[:3])):
        (tmp_path / "PACK" / split).mkdir(parents=True)
        for path in paths:
            shutil.copy(path, tmp_path / "PACK" / split)
    asked = ["--suite", "gachon128", "--models", "unet,unet_mixture", "--data", "folder:PACK", "--device", "cpu"]
    smaller = ["--budget", "steps=2", "--set", "width=8", "--set", "suite.batch=2", "--no-baselines"]
    result = CliRunner().invoke(cli, ["bench", *asked, *smaller], prog_name="zoo")
    assert result.exit_code == 0, result.output
    folder = Path("benches/gachon128")
    for row in read_csv(folder / "runs.csv")[1]:
        assert (row["status"], row["steps"], row["precision"], row["images"]) == ("ok", "2", "fp32", "3")
        assert float(row["psnr"]) > 5
    suite = load_suite("gachon128")
    levels = {(name, float(level)) for name, sweep in suite.sweeps.items() for level in sweep.levels}
    swept = {(row["sweep"], float(row["level"])) for row in read_csv(folder / "hints.csv")[1]}
    assert swept == levels
