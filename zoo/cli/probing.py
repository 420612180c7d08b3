"""Probing in a process of its own: a part that crashes or hangs is a finding, and the next is probed all the same.

The processes are those that a bench starts for its runs, so that what passes here is imported there too.
"""

from __future__ import annotations

import signal
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from zoo.core.module_checks import ProbeReport
from zoo.core.registry import current
from zoo.harness.run.executors.local import LocalExecutor, Task

Name = tuple[str, str]
START_SECONDS = 300.0
"""How long a process may take to begin, on a machine that is busy with other things."""
_POLL_SECONDS = 1.0
_END_SECONDS = 30.0


def probe_apart(names: Sequence[Name], *, timeout: float) -> Iterator[ProbeReport]:
    """A report a ``(kind, name)``, in order, as each is done.

    One process serves many names; the name at which it ends or stands still for ``timeout`` seconds has
    failed, and a new process goes on behind it.
    """
    executor = LocalExecutor()
    waiting = list(names)
    with tempfile.TemporaryDirectory(prefix="zoo-check-") as folder:
        while waiting:
            output = Path(folder) / f"{len(waiting)}.log"
            payload = {"names": waiting, "registry_files": [str(file) for file in current().files]}
            worker = _Worker(executor, executor.start("zoo.cli.probing:probe_task", payload, output=output))
            try:
                worker.next(START_SECONDS)
                while waiting:
                    report = worker.next(timeout)
                    kind, name = waiting.pop(0)
                    if report is None:
                        failure = worker.how_it_ended(output, timeout)
                        yield ProbeReport(kind=kind, name=name, failures=[failure])
                        break
                    yield msgspec.convert(report, ProbeReport)
            finally:
                worker.task.kill()
                worker.task.join(_END_SECONDS)


def probe_task(payload: dict[str, Any], send: Callable[[dict[str, Any]], None], stop: Callable[[], bool]) -> None:
    """The body of the process: a message when it is ready, then a report a name."""
    from zoo.core.probe import probe_part
    from zoo.harness.run.workbench import use_registry_files

    use_registry_files(payload["registry_files"])
    send({"ready": True})
    for kind, name in payload["names"]:
        send(msgspec.to_builtins(probe_part(kind, name)))


class _Worker:
    """A task's messages, one by one."""

    def __init__(self, executor: LocalExecutor, task: Task):
        self.executor = executor
        self.task = task
        self.waiting: deque[dict[str, Any]] = deque()

    def next(self, seconds: float) -> dict[str, Any] | None:
        """The next message; None when the task has ended, or stands still for ``seconds``."""
        deadline = time.monotonic() + seconds
        while not self.waiting:
            alive = self.task.alive  # before the messages, so that none sent before the end is missed
            self.waiting += self.task.messages()
            left = deadline - time.monotonic()
            if self.waiting:
                break
            if not alive or left <= 0:
                return None
            self.executor.wait([self.task], min(left, _POLL_SECONDS))
        return self.waiting.popleft()

    def how_it_ended(self, output: Path, timeout: float) -> str:
        """A sentence for the name at which the task came to its end."""
        if self.task.alive:
            return f"not done after {timeout:g} s"
        code = self.task.exitcode or 0
        if code < 0:
            return f"it takes its process down ({signal.Signals(-code).name})"
        last = output.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:] if output.exists() else []
        said = f": {last[0]}" if code and last else ""
        return f"it ends its process with exit code {code}{said}"
