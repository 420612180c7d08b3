"""Where and when a run was made: the machine, the versions and the commit, none of which decides what it comes to."""

from __future__ import annotations

import contextlib
import datetime
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import msgspec

import zoo
from zoo.core.process import usable_cores


class Provenance(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where and when a run was made: ``machine`` is its processor; ``finished`` is in UTC, ISO 8601.

    ``world_size`` and ``backend`` are of a run that several devices trained together: how many, and how they talk.
    """

    zoo: str
    torch: str
    python: str = ""
    device: str
    machine: str = ""
    commit: str | None
    finished: str
    world_size: int | msgspec.UnsetType = msgspec.UNSET
    backend: str | msgspec.UnsetType = msgspec.UNSET


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


def here_and_now(device: str, **more: Any) -> Provenance:
    """Of a run that ends now on ``device``; ``more`` are the fields that few runs have."""
    import torch

    return Provenance(
        zoo=zoo.__version__,
        torch=str(torch.__version__),
        python=platform.python_version(),
        device=device,
        machine=processor(),
        commit=commit(),
        finished=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **more,
    )
