"""`zoo check` outlives what it probes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from zoo.cli.main import cli
from zoo.cli.probing import probe_apart
from zoo.core import registry

_MODULE = """\
import ctypes, sys, time
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

class Exit(Fine):
    def forward(self, condition):
        sys.exit("I am off")

class Hang(Fine):
    def forward(self, condition):
        time.sleep(3600)
"""


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "rough_plugin.py").write_text(_MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "rough.yaml"
    names = ("Fine", "Segfault", "Exit", "Hang")
    file.write_text("models:\n" + "".join(f"  {name}: {{target: 'rough_plugin:{name}'}}\n" for name in names))
    registry.use(registry.Registry.read([file]))
    yield file
    registry.use(None)


def test_a_crash_and_a_hang_cost_their_own_name_only(table):
    names = [("models", name) for name in ("Fine", "Segfault", "Hang", "Exit", "gray")]
    reports = list(probe_apart(names, timeout=6))
    assert [(report.name, report.ok) for report in reports] == [
        ("Fine", True),
        ("Segfault", False),
        ("Hang", False),
        ("Exit", False),
        ("gray", True),
    ]
    failures = {report.name: report.failures[0] for report in reports if not report.ok}
    assert "SIGSEGV" in failures["Segfault"]
    assert "not done after 6 s" in failures["Hang"]
    assert "I am off" in failures["Exit"]


def test_a_failure_is_a_line_and_exit_code_1(table):
    arguments = ["--registry", str(table), "check", "Fine", "Segfault"]
    result = CliRunner().invoke(cli, arguments, prog_name="zoo")
    assert result.exit_code == 1
    assert "ok      models/Fine" in result.stdout
    assert "failed  models/Segfault" in result.stdout
