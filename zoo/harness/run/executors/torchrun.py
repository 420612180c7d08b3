"""Runs of several devices each: ``torchrun --nproc-per-node 2 -m zoo train unet …``.

The first of torchrun's processes is the bench. It plans, and tells the others through torchrun's own store which run is
at hand; each then has a process of its own for it, and those are a group of ``torch.distributed`` that trains it
together (:mod:`zoo.harness.training.together`). Only the bench's process writes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import torch
import torch.distributed as dist

from zoo.core.errors import BadInput, Stopped
from zoo.harness.plan.planned_run import PlannedRun
from zoo.harness.plan.suite import Suite
from zoo.harness.results.store import RunFolder
from zoo.harness.run.carry_out import main as carry_out
from zoo.harness.run.executor import CARRY_OUT, output_of, payload_of, under_torchrun
from zoo.harness.run.executors.local import STOPPING, LocalExecutor, Task
from zoo.harness.run.tracking import Line, Tracking
from zoo.harness.run.training_run import train
from zoo.harness.run.workbench import Workbench, use_registry_files
from zoo.harness.training import device as devices
from zoo.harness.training.together import nothing_to_train

_OVER = "zoo/over"
_POLL_SECONDS = 0.2


class TorchrunExecutor(LocalExecutor):
    """One run at a time, on all of torchrun's processes.

    Raises:
        BadInput: this is not one of them.
    """

    def __init__(self) -> None:
        if not under_torchrun():
            raise BadInput("The executor 'torchrun' is for commands that torchrun starts: torchrun -m zoo train …")
        super().__init__()
        self._store = _store()
        self._runs = 0

    def room(self, suite: Suite, device: str, jobs: int | None) -> int:
        if suite.budget is not None and suite.budget.seconds is not None:
            raise BadInput(
                "A budget in seconds is of one device, and these are several; give --budget steps=N or epochs=N."
            )
        if jobs not in (None, 1):
            raise BadInput(f"--jobs {jobs} would share devices that one run has for itself here; leave it out.")
        super().room(suite, device, 1)
        return 1

    def submit(self, run: PlannedRun, results: Path, *, function: str | None = None) -> Task:
        if function is not None:
            raise BadInput(f"{function} is for one device, and these are several.")
        payload = payload_of(run, results)
        self._runs += 1
        self._store.set(f"zoo/run{self._runs}", msgspec.json.encode(payload))
        output = output_of(run, results, CARRY_OUT)
        return self.start(f"{__name__}:lead", {**payload, "group": self._runs}, output=output)

    def close(self) -> None:
        self._store.set(_OVER, b"")


def follow() -> None:
    """What torchrun's other processes do until the bench is over: take part in its runs.

    What stops them stops the bench too, which lets the run at hand write its checkpoint first, and then says so.
    """
    for number_of_signal in STOPPING:
        signal.signal(number_of_signal, lambda *_: None)
    local, store = LocalExecutor(), _store()
    task: Task | None = None
    number = 1
    while not store.check([_OVER]):
        if not store.check([f"zoo/run{number}"]):
            time.sleep(_POLL_SECONDS)
            continue
        if task is not None:
            task.kill()  # it may wait for a run that has ended otherwise
        payload = msgspec.json.decode(store.get(f"zoo/run{number}"))
        task = local.start(f"{__name__}:take_part", {**payload, "group": number})
        number += 1
    if task is not None:
        task.kill()
        task.join(_POLL_SECONDS)


def lead(payload: dict[str, Any], send: Callable[[dict[str, Any]], None], stop: Callable[[], bool]) -> None:
    """The bench's process of a run: carries it out, and trains it with the others."""
    with _group(payload) as told:
        carry_out(told, send, stop)
        nothing_to_train()


def take_part(payload: dict[str, Any], send: Callable[[dict[str, Any]], None], stop: Callable[[], bool]) -> None:
    """The other processes of a run: train, and keep nothing of it."""
    with _group(payload) as told, tempfile.TemporaryDirectory() as nowhere:
        use_registry_files(told["registry_files"])
        run = msgspec.convert(told["run"], PlannedRun)
        suite = run.suite
        devices.prepare(devices.pick_device(run.device), deterministic=suite.deterministic, threads=suite.threads)
        place = Path(nowhere)
        with contextlib.suppress(Stopped):
            train(Workbench.of(run), RunFolder(place), place, Tracking((), place, run.name, {}), Line(send, stop))


@contextlib.contextmanager
def _group(payload: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Within the process group of a run; the payload with this process's device."""
    device = payload["run"]["device"]
    if devices.pick_device(device).type == "cuda":
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        devices.CUDA.set_device(torch.device(device))
    backend = "cpu:gloo,cuda:nccl" if device.startswith("cuda") else "gloo"
    store = dist.PrefixStore(f"zoo/group{payload['group']}", _store(server=False))
    dist.init_process_group(
        backend, store=store, rank=int(os.environ["RANK"]), world_size=int(os.environ["WORLD_SIZE"])
    )
    try:
        yield {**payload, "run": {**payload["run"], "device": device}}
    finally:
        dist.destroy_process_group()


def _store(*, server: bool = True) -> Any:
    """torchrun's store; where its agent has none, the first process's bench serves one."""
    world, agents = int(os.environ["WORLD_SIZE"]), os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    serves = server and not agents and os.environ["RANK"] == "0"
    return dist.TCPStore(address, port, world, is_master=serves, wait_for_workers=False)
