"""The commands of docs/cluster.md and the README: each is understood, and its executor takes what it sets."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from zoo.cli.main import cli
from zoo.core.kinds import check_option_names
from zoo.core.registry import current
from zoo.core.spec import part_ref
from zoo.harness.run import bench as bench_module
from zoo.harness.run.bench import BenchOutcome, effective_suite

ROOT = Path(__file__).parents[2]
PAGE = "".join((ROOT / page).read_text(encoding="utf-8") for page in ("docs/cluster.md", "README.md"))
COMMANDS = [*dict.fromkeys(re.findall(r"zoo (?:bench|train) --?[^`\n]*|zoo train [^`\n]*", PAGE))]


def test_every_engine_of_ours_has_a_command_on_the_page():
    named = {name for command in COMMANDS for name in re.findall(r"--executor (\w+)", command)} | {"local", "torchrun"}
    assert named == set(current().names("executors"))


@pytest.mark.parametrize("command", COMMANDS)
def test_its_executor_takes_what_is_set_of_it(command, monkeypatch, tmp_path):
    asked = []

    def ask(request, reporter):
        asked.append(request)
        return BenchOutcome(tmp_path, [], [])

    monkeypatch.setattr(bench_module, "bench", ask)
    monkeypatch.setattr("zoo.cli.detached.detach", lambda ctx, folder: None)
    (tmp_path / "leaderboard.csv").write_text("rank,model,psnr,status,error,notes\n1,unet,20.0,ok,,\n")
    (tmp_path / "PACK").mkdir()
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, shlex.split(command, comments=True)[1:], prog_name="zoo")
    assert result.exit_code == 0, result.output
    executor = part_ref(effective_suite(asked[0]).executor, "executor")
    check_option_names(current().load("executors", executor.name), executor.options, executor.name)
