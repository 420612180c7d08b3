"""Probing in a process of its own: a part that crashes or hangs is a finding, and the next is probed all the same."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from types import TracebackType

import msgspec

from zoo.core.findings import ProbeReport
from zoo.core.registry import current

Name = tuple[str, str]
START_SECONDS = 300.0
"""How long a process may take to import torch, on a machine that is busy with other things."""


def probe_apart(names: Sequence[Name], *, timeout: float) -> Iterator[ProbeReport]:
    """A report a ``(kind, name)``, in order, as each is done.

    One process serves many names; the name at which it ends or stands still for ``timeout`` seconds has
    failed, and a new process goes on behind it.
    """
    waiting = list(names)
    while waiting:
        with _Worker(waiting) as worker:
            while waiting:
                report = worker.next_report(timeout)
                kind, name = waiting.pop(0)
                if report is None:
                    yield ProbeReport(kind=kind, name=name, failures=[worker.how_it_ended(timeout)])
                    break
                yield report


class _Worker:
    def __init__(self, names: Sequence[Name]):
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115  closed in __exit__
        paths = os.pathsep.join(path for path in sys.path if path)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "zoo.cli.probe_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env={**os.environ, "PYTHONPATH": paths},
        )
        self.lines: queue.Queue[bytes] = queue.Queue()
        self.stands_still = False
        threading.Thread(target=self._read, daemon=True).start()
        request = {"names": names, "files": [str(file) for file in current().files]}
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError), self.process.stdin as stdin:  # it died: the first report tells
            stdin.write(msgspec.json.encode(request))
        with contextlib.suppress(queue.Empty):
            if not self.lines.get(timeout=START_SECONDS):
                self.lines.put(b"")

    def __enter__(self) -> _Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        self.errors.close()

    def next_report(self, timeout: float) -> ProbeReport | None:
        """The next report; None when none will come."""
        try:
            line = self.lines.get(timeout=timeout)
        except queue.Empty:
            self.stands_still = True
            return None
        return msgspec.json.decode(line, type=ProbeReport) if line else None

    def how_it_ended(self, timeout: float) -> str:
        """A sentence for the name at which this process came to its end."""
        if self.stands_still:
            return f"not done after {timeout:g} s"
        try:
            code = self.process.wait(timeout=timeout)  # its output has ended, so it is on its way out
        except subprocess.TimeoutExpired:
            return f"not done after {timeout:g} s"
        if code < 0:
            return f"it takes its process down ({signal.Signals(-code).name})"
        self.errors.seek(0)
        last = self.errors.read().decode(errors="replace").strip().splitlines()[-1:]
        said = f": {last[0]}" if code and last else ""
        return f"it ends its process with exit code {code}{said}"

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(b"")
