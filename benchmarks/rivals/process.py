"""The contestants as whoever measures them sees them: processes that take steps when they are told to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

ROOT = Path(__file__).parents[2]

RIVALS: dict[str, tuple[str, int]] = {
    "plain": ("plain", 0),
    "plain_2": ("plain", 2),
    "lightning": ("with_lightning", 2),
    "bare": ("bare", 0),
    "bare_last": ("bare_last", 0),
    "ours": ("ours", 0),
}
"""File and workers of each."""
STATED = 4
"""Batches that two workers have ready when a block begins: two each."""


class Contestant:
    """A process that takes steps when it is told to (contestant.py)."""

    def __init__(
        self,
        rival: str,
        network: str,
        px: int,
        device: str,
        *,
        environment: Mapping[str, str] = MappingProxyType({}),
        flags: Sequence[str] = (),
    ):
        file, workers = RIVALS[rival]
        command = [sys.executable, "-m", "benchmarks.rivals.contestant", file, "--network", network]
        command += ["--px", str(px), "--device", device, "--workers", str(workers), *flags]
        self.rival, self.workers = rival, workers
        self.started = time.monotonic()
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, encoding="utf-8", cwd=ROOT, env={**os.environ, **environment}
        )
        self.cold_start = self._answer()["ready"] - self.started

    def takes(self, steps: int) -> dict[str, Any]:
        """``seconds``, ``busy`` and ``workers_mb`` of so many steps; what lay ready when they began is not timed."""
        return self.told(steps=steps, untimed=STATED if self.workers else 1)

    def told(self, **command: Any) -> dict[str, Any]:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def end(self) -> float:
        """Its peak memory, MiB."""
        peak: float = self.told(end=True)["peak_mem_mb"]
        self._process.wait()
        return peak

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            sys.exit(f"{self.rival} has ended with code {self._process.wait()}; what it says stands above.")
        found: dict[str, Any] = json.loads(line)
        return found
