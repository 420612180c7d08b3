"""A bench in a process of its own, to be stopped."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
from zoo.core.registry import Registry, use
from zoo.harness.run.bench import bench
from zoo.harness.run.executors import local
from zoo.harness.run.request import BenchRequest
local.PRELOAD = ("torch",)  # the models of these tests need no other library, and each bench has a server of its own
models, table, suite, out = sys.argv[1:]
use(Registry.read([Path(table)]))
try:
    bench(BenchRequest(models=models, suite=suite, out=Path(out)))
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture
def start_bench() -> Callable[[str, Path, Path, Path], subprocess.Popen[bytes]]:
    """Starts a bench of some models of a table by a suite into a folder, in a group of processes of its own."""
    return lambda *asked: subprocess.Popen([sys.executable, "-c", SCRIPT, *map(str, asked)], start_new_session=True)


@pytest.fixture
def wait_for() -> Callable[[Callable[[], bool], subprocess.Popen[bytes]], None]:
    """Waits for something that a bench does, as long as it takes: that says something of the machine only."""

    def waited(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
        while not condition():
            assert process.poll() is None, "the bench ended before it could be stopped"
            time.sleep(0.02)

    return waited


@pytest.fixture
def ended() -> Callable[..., bool]:
    """Whether a process ends within some seconds; one that is dead and not waited for has ended."""

    def within(pid: int, seconds: float = 20) -> bool:
        deadline = time.monotonic() + seconds
        while (there := _runs(pid)) and time.monotonic() < deadline:
            time.sleep(0.05)
        return not there

    return within


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2][0]
    except OSError:
        return False
    return state not in "ZX"
