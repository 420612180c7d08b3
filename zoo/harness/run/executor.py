"""Where runs are carried out: an executor takes a planned run, and sees to it that its record comes into the results.

Those of ours are in ``executors/``; a package adds one by the entry-point group ``zoo.executors``.
"""

from __future__ import annotations

import abc
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import msgspec

from zoo.core.errors import BadInput
from zoo.core.registry import current
from zoo.harness.plan.planned_run import PlannedRun
from zoo.harness.plan.suite import Suite
from zoo.harness.training.device import pick_device

CARRY_OUT = "zoo.harness.run.carry_out:main"
"""What is done with a run where nothing else is said."""


class Task(Protocol):
    """One run at work, in a process of its own somewhere, or waiting for a place.

    When it is no longer alive, whatever it has made lies in the run's folder: its record, unless it was killed.
    """

    @property
    def waiting(self) -> bool:
        """Whether it is not at work yet, or not again: its timeout has not begun."""
        ...

    @property
    def alive(self) -> bool: ...

    @property
    def exitcode(self) -> int | None:
        """0 fine; negative: the signal that ended it, SIGKILL also where its machine was lost; None while alive."""
        ...

    def messages(self) -> list[dict[str, Any]]:
        """What it has sent since the last call: how far it is, or a ``note``."""
        ...

    def stop(self) -> None:
        """Ask it to stop at the next good moment; it then writes its checkpoint."""
        ...

    def kill(self) -> None:
        """End it, and whatever it has started, at once."""
        ...

    def join(self, seconds: float) -> None:
        """Wait for its end, so long at most."""
        ...


class Elsewhere(abc.ABC):
    """The books of a run that is at work on another machine, which is asked for news by :meth:`look`."""

    def __init__(self) -> None:
        self._messages: list[dict[str, Any]] = []
        self._code: int | None = None

    @abc.abstractmethod
    def look(self) -> None:
        """Take in what there is to hear, and the exit code once it has ended; does not wait."""

    @property
    def alive(self) -> bool:
        self.look()
        return self._code is None

    @property
    def exitcode(self) -> int | None:
        return self._code

    def messages(self) -> list[dict[str, Any]]:
        self.look()
        found, self._messages = self._messages, []
        return found

    def join(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self.alive and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))


class Executor(Protocol):
    """``Executor(**options)``."""

    def room(self, suite: Suite, device: str, jobs: int | None) -> int:
        """How many runs it takes at a time; asked once, before anything is submitted.

        Args:
            device: as ``--device`` says it.
            jobs: as ``--jobs`` says it; None leaves it to the executor.

        Raises:
            BadInput: a device that is not there, or something of the suite that it cannot do.
        """
        ...

    def submit(self, run: PlannedRun, results: Path, *, function: str = CARRY_OUT) -> Task:
        """Have a run carried out whose results come into the folder ``results``, where its own folder is.

        Args:
            function: ``module:function``, called as ``function(payload, send, stop)`` with :func:`payload_of`.
        """
        ...

    def wait(self, tasks: Iterable[Any], seconds: float) -> None:
        """Until one of the tasks ends or says something, or ``seconds`` have passed."""
        ...

    def close(self) -> None:
        """The bench is over."""
        ...


def under_torchrun() -> bool:
    """Whether this process is one of several that torchrun has started for one bench."""
    return "TORCHELASTIC_RUN_ID" in os.environ and os.environ.get("WORLD_SIZE", "1") != "1"


def follows() -> bool:
    """Whether it is none but the first of them, which plans and writes."""
    return under_torchrun() and os.environ["RANK"] != "0"


def executor_of(suite: Suite) -> str | dict[str, Any]:
    """The suite's executor; of a bench that torchrun has started, its own.

    Raises:
        BadInput: another one under torchrun.
    """
    if not under_torchrun():
        return suite.executor
    if suite.executor not in ("local", "torchrun"):
        raise BadInput("torchrun starts all the processes that there are to be; leave --executor out.")
    return "torchrun"


def check_precision(suite: Suite, device: str, *, gpus: bool) -> None:
    """Refuse to leave the precision open, which is a part of what a run is, to a machine unlike this one.

    Args:
        gpus: whether runs will have GPUs where they are carried out.

    Raises:
        BadInput: they will, and there is none here, or the other way round.
    """
    here = pick_device(device).type == "cuda"
    if suite.precision == "auto" and here != gpus:
        there = "with GPUs, and there is none here" if gpus else "without a GPU, and there is one here"
        raise BadInput(
            f"Runs are to be carried out {there}: --set suite.precision to fp32, bf16 or fp16, or give --device cpu."
        )


def payload_of(run: PlannedRun, results: Path) -> dict[str, Any]:
    """What a run's process is told, as plain data."""
    return {
        "registry_files": [str(file) for file in current().files],
        "run": msgspec.to_builtins(run),
        "folder": os.path.abspath(results / run.folder),
        "results": os.path.abspath(results),
    }


def output_of(run: PlannedRun, results: Path, function: str) -> Path | None:
    """The file that takes what the run's process prints; None for what is only measured of it."""
    return results / run.folder / "output.log" if function == CARRY_OUT else None
