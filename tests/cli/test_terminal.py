"""Text of strangers reaches a terminal as text: no escape sequence, no markup, no forged line."""

from __future__ import annotations

import ast
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from rich.console import Console
from rich.progress import Progress

from zoo.cli import progress
from zoo.cli.main import cli
from zoo.cli.progress import PlainReporter, RichReporter
from zoo.cli.tables import cell
from zoo.cli.terminal import json_safe, plain

CLI = Path(progress.__file__).parent
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
HOSTILE = [
    "\x1b[31mred",
    "\x1b]0;title\x07",
    "\x9b2J",
    "a\x1b[2K\rzoo: all is well",
    "\u202egpj.exe",
    "\u2066turned\u2069",
    "back\x08\x08",
    "one\nzoo: two",
    "\x7f\x00",
    "[red]rich[/red]",
    "[/]",
    "trailing\\",
    "[link=http://x]y[/link]",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_terminal_would_obey_is_shown(text):
    shown = plain(text)
    assert not OBEYED.search(shown)
    assert "\n" not in shown
    assert re.sub(r"\\(x..|u....|U.{8})|\s|\\", "", shown) == re.sub(OBEYED, "", re.sub(r"\s|\\", "", text))
    assert cell(text) == shown.strip()


@pytest.mark.parametrize("text", ["größer", "写真 \u3000 一", "\U0001f468\u200d\U0001f469", "50\u202f%", "a\u00a0b"])
def test_other_text_stays_as_it_is(text):
    assert plain(text) == text


@pytest.mark.parametrize("text", HOSTILE)
def test_json_keeps_its_value(text):
    safe = json_safe(json.dumps({text: [text]}, ensure_ascii=False, indent=1))
    assert json.loads(safe) == {text: [text]}
    assert not OBEYED.search(safe)


PAST_IT = ("click.echo", "click.secho", "print", "sys.stdout.write", "sys.stderr.write", "traceback.print_exception")


def test_no_verb_prints_past_it():
    found = []
    for file in sorted(CLI.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in PAST_IT:
                found.append(f"{file.name}: {ast.unparse(node)}")
    assert [line for line in found if not line.startswith("terminal.py")] == []


@pytest.mark.parametrize("text", HOSTILE)
def test_a_bench_that_is_watched(text, capsys):
    row = SimpleNamespace(ok=False, status="error", error=text)
    plainly = PlainReporter()
    console = Console(force_terminal=True, width=400, stderr=True)
    with Progress(console=console, disable=True) as bars:
        for reporter in (plainly, RichReporter(bars)):
            reporter.planned([text], [])
            reporter.started(text)
            reporter.progress(text, {"phase": text, "fraction": 0.5})
            reporter.note(text)
            reporter.finished(text, row)
    said = capsys.readouterr().err
    lines = [line.rstrip() for line in said.splitlines()]
    assert not OBEYED.search(said)
    assert lines.count(plain(text).rstrip()) == 2, "the note, once by each"


def on_a_terminal(folder: Path, *arguments: str) -> str:
    """What ``zoo`` writes to a terminal of its own."""
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "400"}
    done = subprocess.Popen(
        [sys.executable, "-m", "zoo", *arguments], stdin=slave, stdout=slave, stderr=slave, cwd=folder, env=environment
    )
    os.close(slave)
    written = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:
            break
        if not part:
            break
        written += part
    done.wait()
    os.close(master)
    return written.decode(errors="surrogateescape")


@pytest.mark.slow
@pytest.mark.parametrize("form", ["table", "csv", "json", "md"])
def test_a_leaderboard_of_a_stranger_on_a_terminal(tmp_path, form):
    bad = "\x1b]0;owned\x07\x9b31m\u202ered[bold]"
    (tmp_path / "leaderboard.csv").write_text(
        f'rank,model,psnr,status,error,notes\n1,"{bad}",20.0,ok,,"{bad}"\n,"{bad}",,error,"{bad}\nzoo: ok",\n',
        "utf-8",
    )
    said = on_a_terminal(tmp_path, "leaderboard", ".", "--format", form)
    assert "\x1b]" not in said
    assert "\x9b" not in said
    assert "\u202e" not in said
    assert "owned" in said
    assert "\nzoo: ok" not in said.replace("\r", "") or form == "csv"


def test_errors_and_usage_quote_what_was_typed_plainly(tmp_path):
    runner = CliRunner()
    for arguments in (
        ["show", "\x1b[31mx"],
        ["--debug", "show", "\x1b[31mx"],
        ["list", "--\x1b[31mx"],
        ["bench", "--jobs", "\x1b[31m"],
        ["--\x1b[31m"],
        ["\x1b[31m"],
        ["list", "models", "\x1b[31m"],
        ["report", f"{tmp_path}/\x1b[31m"],
    ):
        result = runner.invoke(cli, arguments, prog_name="zoo", color=True)
        assert result.exit_code == 2
        assert "\x1b" not in result.output
        assert "\\x1b[31m" in result.output
