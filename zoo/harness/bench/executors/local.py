"""Runs as processes of this machine, forked from a server that has the heavy imports behind it.

A crash, an out-of-memory or a hang then costs one run and not the bench, and forty runs do not pay
for importing torch and timm forty times.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from zoo.core.safe_path import forget_safe_path, helpers_on_a_safe_path, user_choice
from zoo.core.threads import wait_passively

PRELOAD = "zoo.harness.bench.executors.preload"

Send = Callable[[dict[str, Any]], None]


class Task:
    """One process at work."""

    def __init__(self, process: Any, connection: Connection):
        self._process = process
        self._connection = connection

    def messages(self) -> list[dict[str, Any]]:
        """What the process has sent since the last call."""
        found = []
        with contextlib.suppress(EOFError, OSError):
            while self._connection.poll():
                found.append(self._connection.recv())
        return found

    @property
    def alive(self) -> bool:
        return bool(self._process.is_alive())

    @property
    def exitcode(self) -> int | None:
        """0 fine; negative: the signal that killed it."""
        code: int | None = self._process.exitcode
        return code

    def stop(self) -> None:
        """Ask it to stop at the next good moment (SIGTERM)."""
        if self.alive:
            self._process.terminate()

    def kill(self) -> None:
        if self.alive:
            self._process.kill()

    def join(self, seconds: float) -> None:
        self._process.join(seconds)

    @property
    def sentinel(self) -> int:
        return int(self._process.sentinel)


class LocalExecutor:
    """Starts tasks on this machine."""

    def __init__(self) -> None:
        wait_passively()
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([PRELOAD])

    def start(self, function: str, payload: dict[str, Any], *, output: Path | None = None) -> Task:
        """Run ``module:function`` as ``function(payload, send, stop)`` in a process of its own.

        Args:
            payload: plain data.
            output: a file that takes what the process prints, tracebacks of crashes included.
        """
        receiver, sender = self._context.Pipe(duplex=False)
        arguments = (function, payload, sender, str(output) if output else None, user_choice())
        # A plugin may start processes of its own, so not daemonic; the watch below ends it with us.
        process = self._context.Process(target=_enter, args=arguments)
        with helpers_on_a_safe_path():  # the first start brings up the server and multiprocessing's tracker
            process.start()
        sender.close()
        return Task(process, receiver)

    def wait(self, tasks: Iterable[Task], seconds: float) -> None:
        """Until one of the tasks ends or says something, or ``seconds`` have passed."""
        tasks = list(tasks)
        watched: list[Any] = [task.sentinel for task in tasks if task.alive]
        watched += [task._connection for task in tasks if task.alive and not task._connection.closed]
        if watched:
            wait(watched, seconds)


def _enter(
    function: str, payload: dict[str, Any], sender: Connection, output: str | None, safe_path: str | None
) -> None:
    """The first code of a task's process."""
    forget_safe_path(safe_path)
    _die_with_parent()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    if output:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        faulthandler.enable()

    def send(message: dict[str, Any]) -> None:
        # Whoever listened may be gone; the watch then ends this process.
        with contextlib.suppress(BrokenPipeError, OSError):
            sender.send(message)

    module, _, name = function.partition(":")
    getattr(importlib.import_module(module), name)(payload, send, stopping.is_set)
    sys.stdout.flush()
    sys.stderr.flush()


def _die_with_parent() -> None:
    """End at once when the bench is gone: an orphan must not go on writing into its folder."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
