"""Runs as processes of this machine, forked from a server that has the heavy imports behind it.

A crash, an out-of-memory or a hang then costs one run and not the bench, and forty runs do not pay
for importing torch and timm forty times. A run leads a process group of its own, so that whatever it
has started ends with it.

The server is multiprocessing's forkserver, and not a pool of ``concurrent.futures``: that breaks wholly when one worker
is killed, and a run has a process of its own, whose memory and random state no other run has touched.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.core.errors import Unavailable
from zoo.core.process import (
    allowed_cores,
    forget_safe_path,
    helpers_on_a_safe_path,
    usable_cores,
    user_choice,
    wait_passively,
)

if TYPE_CHECKING:
    from zoo.harness.plan.planned_run import PlannedRun
    from zoo.harness.plan.suite import Suite

STOPPING = frozenset(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""The signals that ask a bench or a run to stop: Ctrl-C, ``kill``, and a terminal that is gone."""

PRELOAD = ("torch", "timm", "segmentation_models_pytorch", "lpips", "pytorch_msssim", "PIL.Image")
"""What the server imports, where it is installed; nothing of it starts a thread or touches a GPU."""
_LONGEST_FOLDER = 60
"""Bytes. A socket's whole path has at most 107 (unix(7)), 103 on macOS; multiprocessing adds about 35."""
_SHORT_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")


def start_server() -> Any:
    """The context whose processes come from the server, which is at work when this returns.

    Raises:
        Unavailable: the system cannot fork, as Windows cannot.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        raise Unavailable("Training needs a system that forks processes: Linux, macOS, or Windows' own Linux (WSL).")
    from multiprocessing import forkserver, resource_tracker, util

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PRELOAD])
    with _short_names():
        util.get_temp_dir()  # chosen once, and kept for the life of the process
    # What stops a bench reaches its helpers too: the terminal and the service manager tell all of a group. They would
    # end in tracebacks, and leave nobody to wait for the runs. So they inherit the mask, which each run takes off;
    # they end when the bench does.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        resource_tracker.ensure_running()
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)  # the tracker's start takes SIGINT and SIGTERM off it
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return context


@contextlib.contextmanager
def _short_names() -> Iterator[None]:
    """Temporary files in a folder with a short name, where the usual one's is too long for a socket."""
    before = tempfile.tempdir
    if len(os.fsencode(tempfile.gettempdir())) > _LONGEST_FOLDER:
        usable = (folder for folder in _SHORT_FOLDERS if Path(folder).is_dir() and os.access(folder, os.W_OK))
        tempfile.tempdir = next(usable, before)
    try:
        yield
    finally:
        tempfile.tempdir = before


ENDING_SECONDS = 10.0
"""How long a run that is done may be held by threads or processes of a plugin that do not end."""


class Task:
    """One process at work."""

    waiting = False

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
        """End it, and whatever it has started, at once (SIGKILL)."""
        self._end_group()
        if self.alive:
            self._process.kill()

    def join(self, seconds: float) -> None:
        """Wait for its end; what it has left running ends then too."""
        self._process.join(seconds)
        if not self.alive:
            self._end_group()

    def _end_group(self) -> None:
        # The group is there from the process's first line on, and stays while anything of it lives.
        if self._process.pid is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    @property
    def sentinel(self) -> int:
        return int(self._process.sentinel)


class LocalExecutor:
    """Starts tasks on this machine: one run a GPU, on the CPU as many as have their threads' cores for themselves."""

    def __init__(self) -> None:
        wait_passively()
        with helpers_on_a_safe_path():
            self._context = start_server()
        self._places: list[_Place] = [_Place()]
        self._at_work: dict[int, list[Task]] = {}

    def room(self, suite: Suite, device: str, jobs: int | None) -> int:
        """See :class:`zoo.harness.run.executor.Executor`.

        Where the suite leaves the threads open, runs on GPUs share the cores out among themselves. A run on the CPU
        has the threads that its suite says, however many there are beside it: the order of a sum decides its last
        digits.
        """
        from zoo.harness.training.device import cards, pick_device

        where, cores = pick_device(device), usable_cores()
        if where.type == "cpu":
            return jobs or max(1, cores // (suite.threads or cores))
        several = where.type == "cuda" and where.index is None
        names = _visible(len(list(cards()))) if several else []
        room = jobs or max(1, len(names))
        shares = _shares(cores, room) if suite.threads is None and room > 1 else [()] * room
        self._places = [_Place(names[k % len(names)] if names else None, share) for k, share in enumerate(shares)]
        return room

    def submit(self, run: PlannedRun, results: Path, *, function: str | None = None) -> Task:
        """See :class:`zoo.harness.run.executor.Executor`; the run gets the place that has the fewest at work."""
        from zoo.harness.run.executor import CARRY_OUT, output_of, payload_of

        place = min(range(len(self._places)), key=lambda k: len(self._busy(k)))
        card, cores = self._places[place]
        environment = {} if card is None else {"CUDA_VISIBLE_DEVICES": card}
        function = function or CARRY_OUT
        output = output_of(run, results, function)
        task = self.start(function, payload_of(run, results), output=output, environment=environment, cores=cores)
        self._at_work[place].append(task)
        return task

    def _busy(self, place: int) -> list[Task]:
        self._at_work[place] = [task for task in self._at_work.get(place, []) if task.alive]
        return self._at_work[place]

    def start(
        self,
        function: str,
        payload: dict[str, Any],
        *,
        output: Path | None = None,
        environment: Mapping[str, str] | None = None,
        cores: Sequence[int] = (),
    ) -> Task:
        """Run ``module:function`` as ``function(payload, send, stop)`` in a process of its own.

        Args:
            payload: plain data.
            output: a file that takes what the process prints, tracebacks of crashes included.
            environment: variables of the process.
            cores: those that it may use; none: as many as this process.
        """
        receiver, sender = self._context.Pipe(duplex=False)
        settings = _Settings(str(output) if output else None, user_choice(), dict(environment or {}), tuple(cores))
        # A plugin may start processes of its own, so not daemonic; the watch below ends it with us.
        process = self._context.Process(target=_enter, args=(function, payload, sender, settings))
        with (
            _without_main(),
            helpers_on_a_safe_path(),
        ):  # the first start brings up the server and multiprocessing's tracker
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

    def close(self) -> None:
        """Nothing: the server ends with this process."""


class _Place(NamedTuple):
    """What a run of this machine has for itself: the GPU's name to CUDA, and cores; empty: whatever there is."""

    card: str | None = None
    cores: tuple[int, ...] = ()


def _visible(count: int) -> list[str]:
    """The GPUs' names to CUDA, which the user may have chosen among."""
    chosen = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return chosen[:count] if chosen else [str(index) for index in range(count)]


def _shares(cores: int, room: int) -> list[tuple[int, ...]]:
    """``cores`` of this process's dealt out, neighbours together; where runs are more than cores, some share one."""
    allowed = allowed_cores()[:cores]
    if not allowed:
        return [()] * room
    starts = [k * cores // room for k in range(room + 1)]
    return [tuple(allowed[begin : max(end, begin + 1)]) for begin, end in pairwise(starts)]


class _Settings(NamedTuple):
    """What a task's process is to be like."""

    output: str | None
    safe_path: str | None
    environment: dict[str, str]
    cores: tuple[int, ...]


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """multiprocessing would import the caller's script into the new process, which needs nothing of it: tasks are named
    ``module:function``. A script without ``if __name__ == "__main__"`` would so start its bench in every run.
    """
    main = sys.modules["__main__"]
    hidden: dict[str, Any] = {name: vars(main)[name] for name in ("__spec__", "__file__") if name in vars(main)}
    vars(main).update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        vars(main).update(hidden)


def _enter(function: str, payload: dict[str, Any], sender: Connection, settings: _Settings) -> None:
    """The first code of a task's process."""
    os.setpgid(0, 0)
    forget_safe_path(settings.safe_path)
    os.environ.update(settings.environment)  # torch asks CUDA for its devices when it first needs one
    if settings.cores:
        os.sched_setaffinity(0, settings.cores)
    _die_with_parent()
    stopping = threading.Event()
    for number in STOPPING:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup means it
            signal.signal(number, lambda *_: stopping.set())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    if settings.output:
        descriptor = os.open(settings.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        faulthandler.enable()

    def send(message: dict[str, Any]) -> None:
        # Whoever listened may be gone; the watch then ends this process.
        with contextlib.suppress(BrokenPipeError, OSError):
            sender.send(message)

    code = 1
    try:
        module, _, name = function.partition(":")
        getattr(importlib.import_module(module), name)(payload, send, stopping.is_set)
        code = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        threading.Thread(target=_end_soon, args=(code,), daemon=True).start()


def _end_soon(code: int) -> None:
    """The work is over. Python waits for every thread and child that is left, however long they take."""
    time.sleep(ENDING_SECONDS)
    print(f"what this run left running had not ended after {ENDING_SECONDS:g} s and was ended", file=sys.stderr)
    sys.stderr.flush()
    os._exit(code)


def _die_with_parent() -> None:
    """End at once, with all that was started, when the bench is gone: an orphan must not go on writing."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
