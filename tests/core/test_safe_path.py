"""A file that lies in the current folder is imported by nobody, whatever it is called."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.harness.run.executors.local import LocalExecutor

TRAPS = ("socket", "random", "yaml", "click", "torch", "numpy", "signal", "tempfile", "_zoo_trap", "selectors")
TRAP = """\
import os
open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "sprung"), "a").write(__name__)
raise ImportError("this file lies in the current folder")
"""

MODEL = """\
from torch import nn

class Mine(nn.Conv2d):
    def __init__(self):
        super().__init__(4, 2, 1)
"""


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    """A folder of traps with the names of libraries, and a registry file elsewhere with a module beside it."""
    here = tmp_path / "downloads"
    here.mkdir()
    for name in TRAPS:
        (here / f"{name}.py").write_text(TRAP)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "beside_the_table.py").write_text(MODEL)
    (tmp_path / "mine" / "table.yaml").write_text("models: {mine: {target: 'beside_the_table:Mine'}}\n")
    return here


def command(name: str) -> list[str]:
    script = Path(sys.executable).with_name("zoo")
    return [str(script)] if name == "zoo" else [sys.executable, "-m", "zoo"]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONSAFEPATH")}
    return subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow(seconds=20)
@pytest.mark.parametrize("name", ["zoo", "python -m zoo"])
def test_check_and_bench_import_the_module_beside_the_table_and_nothing_from_the_current_folder(downloads, name):
    if name != "zoo":
        for trap in TRAPS:  # `python -m` itself has imported some of these before a line of ours is read
            if trap not in ("socket", "torch", "numpy", "yaml", "click"):
                (downloads / f"{trap}.py").unlink()
    table = str(downloads.parent / "mine" / "table.yaml")
    checked = run(downloads, *command(name), "--registry", table, "check", "mine")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    bench = ["bench", "--models", "mine", "--suite", "smoke", "--budget", "steps=1"]
    benched = run(downloads, *command(name), "--registry", table, *bench)
    assert benched.returncode == 0, benched.stdout + benched.stderr
    assert not (downloads / "sprung").exists(), (downloads / "sprung").read_text()


@pytest.mark.slow(seconds=20)
def test_a_module_of_the_current_folder_alone_is_found_by_neither(downloads):
    shutil.move(downloads.parent / "mine" / "beside_the_table.py", downloads)
    table = str(downloads.parent / "mine" / "table.yaml")
    for verb in (["check", "mine"], ["bench", "--models", "mine", "--suite", "smoke"]):
        done = run(downloads, *command("python -m zoo"), "--registry", table, *verb)
        assert done.returncode != 0
        assert "No module named 'beside_the_table'" in done.stdout + done.stderr


@pytest.mark.slow
def test_the_tables_folder_comes_last(downloads):
    code = (
        "import sys; from pathlib import Path; from zoo.core.registry import Registry, use;"
        f"use(Registry.read([Path({str(downloads.parent / 'mine' / 'table.yaml')!r})]));"
        "import zoo; zoo.build('mine'); print(sys.path[-1])"
    )
    (downloads.parent / "mine" / "socket.py").write_text(TRAP)
    done = run(downloads, sys.executable, "-P", "-c", code + "; import socket; socket.socket")
    assert done.stdout.strip() == str(downloads.parent / "mine"), done.stderr
    assert not (downloads.parent / "mine" / "sprung").exists()


@pytest.mark.slow
@pytest.mark.parametrize("chosen", [None, "1"])
def test_what_a_run_starts_itself_finds_the_users_environment(tmp_path, monkeypatch, chosen):
    (tmp_path / "tells_its_environment.py").write_text(
        "import os\ndef tell(payload, send, stop):\n    send({'safe': os.environ.get('PYTHONSAFEPATH')})\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    if chosen is not None:
        monkeypatch.setenv("PYTHONSAFEPATH", chosen)
    task = LocalExecutor().start("tells_its_environment:tell", {})
    task.join(600)
    assert task.messages() == [{"safe": chosen}]
    assert os.environ.get("PYTHONSAFEPATH") == chosen
