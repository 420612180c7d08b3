"""Where a number comes from: versions, commit, device. Not part of a run's key."""

from __future__ import annotations

import contextlib
import datetime
import os
import platform
import subprocess
from pathlib import Path

import zoo
from zoo.core.process import usable_cores
from zoo.harness.results.run_record import Provenance


def commit() -> str:
    """The commit of the checkout the package runs from (``+`` when it has changes), or empty."""
    root = Path(zoo.__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return ""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", errors="replace", env=environment, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        short = git("rev-parse", "--short=10", "HEAD")
        changed = git(
            "status", "--porcelain", "--untracked-files=no", "--", "zoo", "registry.yaml", "benchmarks/suites"
        )
    except OSError:
        return ""  # no git on this machine
    return short + ("+" if short and changed else "")


def processor() -> str:
    """What the machine computes on: the processor's name and the cores that the process has, never whose it is."""
    names = []
    with contextlib.suppress(OSError, UnicodeDecodeError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor() or platform.machine()}, {usable_cores()} cores"


def here_and_now(device: str) -> Provenance:
    """Of a run that ends now on ``device``."""
    import torch

    return Provenance(
        zoo=zoo.__version__,
        torch=str(torch.__version__),
        python=platform.python_version(),
        device=device,
        machine=processor(),
        commit=commit(),
        finished=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
