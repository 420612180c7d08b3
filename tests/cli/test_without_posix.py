"""Without ``fcntl``, ``resource`` and fork, as on Windows: everything but training runs, and that says so."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

WITHOUT = """
import os, signal, sys
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
for module, names in (
    (os, ("fork", "killpg", "setpgid", "setsid", "sched_getaffinity", "getloadavg", "sysconf")),
    (signal, ("SIGHUP", "SIGKILL", "pthread_sigmask")),
):
    for name in names:
        delattr(module, name)
import json, multiprocessing
multiprocessing.get_all_start_methods = lambda: ["spawn"]
from zoo.cli.main import main
for words in json.loads(sys.argv[1]):
    sys.argv = ["zoo", *words]
    try:
        main()
    except SystemExit as end:
        if end.code:
            print("failed:", *words)
            raise
"""


def zoo(*commands: tuple[object, ...]) -> subprocess.CompletedProcess[str]:
    """One after the other in one process, until one fails."""
    words = json.dumps([[str(word) for word in command] for command in commands])
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WITHOUT, words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """Published results of two models, as a folder of one's own."""
    folder = tmp_path_factory.mktemp("results") / "quick"
    for model in ("gray", "unet"):
        shutil.copytree(ROOT / "results" / "quick" / "runs" / model, folder / "runs" / model)
    return folder


@pytest.mark.slow
def test_everything_but_training_runs(results, photo_paths, tmp_path):
    shutil.copy(photo_paths[0], tmp_path / "photo.jpg")
    done = zoo(
        ("list", "models"),
        ("show", "unet"),
        ("leaderboard", results, "--rebuild"),
        ("compare", *sorted((results / "runs").glob("*/seed0-*"))),
        ("report", results),
        ("colorize", tmp_path / "photo.jpg", "--with", "gray", "-o", tmp_path / "out"),
        ("score", tmp_path / "photo.jpg", tmp_path / "photo.jpg", "--metrics", "psnr"),
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert (results / "report.html").is_file()


@pytest.mark.slow
def test_training_says_in_one_sentence_what_it_needs(tmp_path):
    done = zoo(("bench", "--models", "gray", "--out", tmp_path / "results"))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("zoo: Training needs a system that forks processes: Linux, macOS")
    assert "Traceback" not in done.stderr
    assert not list((tmp_path).rglob("run.json"))


def test_nothing_imports_a_posix_module_at_its_top():
    for path in (ROOT / "zoo").rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            wrong = {"fcntl", "resource", "pwd", "grp", "termios"} & set(names)
            assert not wrong, f"{os.fspath(path)} imports {wrong}"
