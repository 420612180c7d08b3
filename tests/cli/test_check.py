"""`zoo check` outlives what it probes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from zoo.cli.main import cli
from zoo.cli.probing import probe_apart
from zoo.core import registry

FOREVER = 600
"""Seconds for what is going to answer, on a machine however busy."""

_MODULE = """\
import ctypes, os, sys, time
from torch import nn

class Fine(nn.Module):
    stride = 1
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(4, 2, 1)
    def forward(self, condition):
        print("a plugin may talk")
        return self.layer(condition)

class Segfault(Fine):
    def forward(self, condition):
        ctypes.string_at(0)

class Leaves(Fine):
    def forward(self, condition):
        sys.exit("I am off")

class Vanishes(Fine):
    def forward(self, condition):
        print("my last words", flush=True)
        os._exit(3)

class Hang(Fine):
    def forward(self, condition):
        time.sleep(3600)

class HangsToo(Hang):
    pass
"""


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "rough_plugin.py").write_text(_MODULE)
    file = tmp_path / "rough.yaml"
    names = ("Fine", "Segfault", "Leaves", "Vanishes", "Hang", "HangsToo")
    file.write_text("models:\n" + "".join(f"  {name}: {{target: 'rough_plugin:{name}'}}\n" for name in names))
    registry.use(registry.Registry.read([file]))
    yield file
    registry.use(None)


@pytest.mark.slow
def test_a_crash_costs_its_own_name_only(table):
    names = [("models", name) for name in ("Fine", "Segfault", "Vanishes", "Leaves", "gray")]
    reports = list(probe_apart(names, timeout=FOREVER))
    assert [(report.kind, report.name) for report in reports] == names
    assert [report.ok for report in reports] == [True, False, False, False, True]
    failures = {report.name: report.failures[0] for report in reports if not report.ok}
    assert "SIGSEGV" in failures["Segfault"]
    assert "exit code 3: my last words" in failures["Vanishes"]
    assert "I am off" in failures["Leaves"]


@pytest.mark.slow
def test_a_hang_costs_its_own_name_only(table):
    # Nothing else is probed under so short a time: on a busy machine an honest answer would be late too.
    reports = list(probe_apart([("models", "Hang"), ("models", "HangsToo")], timeout=0.5))
    assert [report.failures for report in reports] == [["not done after 0.5 s"]] * 2


@pytest.mark.slow
def test_a_failure_is_a_line_and_exit_code_1(table):
    arguments = ["--registry", str(table), "check", "Fine", "Segfault"]
    result = CliRunner().invoke(cli, arguments, prog_name="zoo")
    assert result.exit_code == 1
    assert "ok      models/Fine" in result.stdout
    assert "failed  models/Segfault" in result.stdout
