"""Runs over a Ray cluster, whose machines need not share a disk: what a run has made comes home as bytes.

On every machine an actor carries runs out one after the other, each in a process of its own as ``local`` does it, so
that a crash or a hang costs a run there too. When a machine is lost, its runs are taken up on another one from the last
checkpoint that came home. The zoo, the plugins and the photos have to be at hand on every machine.
"""

from __future__ import annotations

import logging
import os
import signal
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from zoo.core.errors import BadInput, Unavailable, reason_of
from zoo.core.files import make_folder
from zoo.harness.plan.planned_run import PlannedRun
from zoo.harness.plan.suite import Suite
from zoo.harness.run import parcel
from zoo.harness.run.executor import CARRY_OUT, Elsewhere, check_precision, output_of, payload_of
from zoo.harness.run.executors.local import LocalExecutor

_POLL_SECONDS = 10.0
"""A machine answers at the latest then."""
_BATCH_SECONDS = 0.2
"""And no more often than that."""


class Word(NamedTuple):
    """What a machine says of a run: messages, files to take home, and once it has ended its exit code and all names."""

    messages: list[dict[str, Any]]
    files: parcel.Files
    exitcode: int | None = None
    all_names: tuple[str, ...] = ()


class Host:
    """On a machine of the cluster: carries out one run at a time."""

    def __init__(self) -> None:
        self._local = LocalExecutor()

    def begin(self, payload: dict[str, Any], function: str, registry: dict[str, str], files: parcel.Files) -> None:
        """Start a run in a folder of its own.

        Args:
            registry: the user's tables, path and text; one that is not here is written.
            files: what is needed of the results.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="zoo-run-")
        self._results = Path(self._folder.name, "results")
        self._known = parcel.unpack(files, self._results)
        tables = []
        for number, (path, text) in enumerate(registry.items()):
            table = Path(path) if Path(path).is_file() else Path(self._folder.name, f"registry{number}.yaml")
            if not table.is_file():
                table.write_text(text, encoding="utf-8")
            tables.append(str(table))
        run = msgspec.convert(payload["run"], PlannedRun)
        self._run_folder = run.folder
        make_folder(self._results / run.folder)
        told = {**payload_of(run, self._results), "registry_files": tables}
        self._task = self._local.start(function, told, output=output_of(run, self._results, function))

    def next(self, seconds: float) -> Word:
        """Wait until there is something to say, so long at most."""
        self._local.wait([self._task], seconds)
        time.sleep(_BATCH_SECONDS)
        alive = self._task.alive
        messages = self._task.messages()
        if not alive:
            self._task.join(_POLL_SECONDS)
        now = parcel.stamps(self._results)
        changed = [path for path, stamp in now.items() if self._known.get(path) != stamp]
        own = f"{self._run_folder}/"
        # What the run is still writing comes with its checkpoint, which it then stands beside.
        if alive and f"{own}checkpoint.pt" not in changed:
            changed = [path for path in changed if not path.startswith(own)]
        files = parcel.made(self._results, changed)
        self._known |= {path: now[path] for path in files}
        if alive:
            return Word(messages, files)
        code, names = self._task.exitcode, tuple(now)
        self._folder.cleanup()
        return Word(messages, files, code, names)

    def stop(self) -> None:
        """Ask the run to stop at the next good moment."""
        self._task.stop()


class RayTask(Elsewhere):
    """A run in the cluster, as the bench sees it."""

    def __init__(self, executor: RayExecutor, run: PlannedRun, results: Path, function: str):
        super().__init__()
        self._executor, self._run, self._results, self._function = executor, run, results, function
        self._retries = executor.retries
        self._stopping = False
        self._begin()

    def move(self, host: Any) -> None:
        """Begin on a machine that is free now, in the place of waiting for another."""
        self._executor.ray.kill(self._host)
        self._begin(host)

    def _begin(self, host: Any = None) -> None:
        self._waiting = True
        self._host = host or self._executor.take_host()
        payload = payload_of(self._run, self._results)
        registry = {path: Path(path).read_text(encoding="utf-8") for path in payload["registry_files"]}
        files = self._executor.ray.put(parcel.needed(self._run, self._results))
        self._begun = self._host.begin.remote(payload, self._function, registry, files)
        self.answer = self._begun

    def look(self) -> None:
        ray = self._executor.ray
        while self._code is None and ray.wait([self.answer], timeout=0)[0]:
            try:
                word = ray.get(self.answer)
                if word is None:  # it has begun
                    self._waiting = False
                    if self._stopping:
                        self._host.stop.remote()
                    self.answer = self._host.next.remote(0.0)
                    continue
                self._messages += word.messages
                ended = word.exitcode is not None
                if word.files or ended:
                    names = word.all_names if ended else None
                    parcel.home(self._run, self._results, word.files, all_names=names)
                if ended:
                    self._code = word.exitcode
                    self._executor.give_back(self._host)
                else:
                    self.answer = self._host.next.remote(_POLL_SECONDS)
            except ray.exceptions.RayTaskError as error:
                self._messages.append({"note": f"{self._run.name}: {reason_of(error.cause or error)}"})
                self._end(1)
            except ray.exceptions.RayError as error:
                self._lost(reason_of(error))

    def _lost(self, reason: str) -> None:
        if self._stopping or not self._retries:
            self._end(-signal.SIGKILL)
            return
        self._retries -= 1
        self._messages.append({"note": f"{self._run.name}: its machine was lost; it is taken up on another ({reason})"})
        self._begin()

    def _end(self, code: int) -> None:
        self._code = code
        self._executor.ray.kill(self._host)

    @property
    def waiting(self) -> bool:
        return self._waiting and self._code is None

    def stop(self) -> None:
        self._stopping = True
        if self.waiting:
            self.kill()  # nothing of it has begun
        elif self.alive:
            self._host.stop.remote()

    def kill(self) -> None:
        if self._code is None:
            self._end(-signal.SIGKILL)


class RayExecutor:
    """Runs in the cluster that ``address`` names, else ``RAY_ADDRESS``, else the one at work here, else one of this
    machine alone.

    Args:
        address: of a cluster.
        gpus: of each run, parts too; None: one where the cluster has any and ``--device`` is not the CPU.
        cpus: of each run; None: the suite's threads, else one beside a GPU, else all of a machine.
        retries: how many lost machines a run outlives.

    Raises:
        Unavailable: ray is not installed.
        BadInput: there is no such cluster.
    """

    def __init__(
        self, *, address: str | None = None, gpus: float | None = None, cpus: float | None = None, retries: int = 3
    ):
        try:
            import ray
        except ImportError:
            raise Unavailable("The executor 'ray' needs the package ray; pip install 'colorizer-zoo[ray]'.") from None
        self.ray: Any = ray
        self.gpus, self.cpus, self.retries = gpus, cpus, retries
        self._idle: list[Any] = []
        self._tasks: list[RayTask] = []
        self._ours = not ray.is_initialized()
        if self._ours:
            try:
                ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, include_dashboard=False)
            except Exception as error:  # Ray raises bare ones, too
                where = address or os.environ.get("RAY_ADDRESS", "this machine")
                raise BadInput(
                    f"There is no Ray cluster at {where} ({reason_of(error)}); start it, or name one."
                ) from None

    def room(self, suite: Suite, device: str, jobs: int | None) -> int:
        """See :class:`zoo.harness.run.executor.Executor`; more ``jobs`` than fit wait in the cluster."""
        nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        most = {kind: max((node.get(kind, 0.0) for node in nodes), default=0.0) for kind in ("CPU", "GPU")}
        if self.gpus is None:
            self.gpus = 1.0 if most["GPU"] and not device.startswith("cpu") else 0.0
        if self.cpus is None:
            self.cpus = float(suite.threads or (1 if self.gpus else most["CPU"] or 1))
        check_precision(suite, device, gpus=bool(self.gpus))
        room = sum(self._fitting(node) for node in nodes)
        if not room:
            raise BadInput(
                f"No machine of the cluster has {self.cpus:g} cores and {self.gpus:g} GPUs for a run; "
                "--set executor.cpus and executor.gpus to less."
            )
        return jobs or room

    def _fitting(self, node: dict[str, float]) -> int:
        asked = {"CPU": self.cpus or 0.0, "GPU": self.gpus or 0.0}
        return int(min(node.get(kind, 0.0) // amount for kind, amount in asked.items() if amount))

    def submit(self, run: PlannedRun, results: Path, *, function: str = CARRY_OUT) -> RayTask:
        """See :class:`zoo.harness.run.executor.Executor`."""
        task = RayTask(self, run, results, function)
        self._tasks = [each for each in self._tasks if each.exitcode is None] + [task]
        return task

    def wait(self, tasks: Iterable[RayTask], seconds: float) -> None:
        """See :class:`zoo.harness.run.executor.Executor`."""
        answers = [task.answer for task in tasks if task.exitcode is None]
        if answers:
            self.ray.wait(answers, timeout=seconds)

    def take_host(self) -> Any:
        """An actor that has nothing to do, or a new one, which waits for its place in the cluster."""
        if self._idle:
            return self._idle.pop()
        remote = self.ray.remote(num_cpus=self.cpus, num_gpus=self.gpus, max_concurrency=2)(Host)
        return remote.remote()

    def give_back(self, host: Any) -> None:
        """One whose run has ended; it holds its place in the cluster, so that whoever waits for one gets it."""
        waiting = next((task for task in self._tasks if task.waiting), None)
        if waiting is None:
            self._idle.append(host)
        else:
            waiting.move(host)

    def close(self) -> None:
        """Leave the cluster; what is still at work there ends."""
        for host in self._idle:
            self.ray.kill(host)
        if self._ours:
            self.ray.shutdown()
