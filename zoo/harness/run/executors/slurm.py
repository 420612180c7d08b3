"""Runs as jobs of a Slurm cluster, whose machines see the results folder.

The runs that there is room for are one job array. A job that is preempted, or comes to the end of its time, has its run
write a checkpoint, and is queued again by submitit; it then goes on from there. What a run says goes through a file in
``.jobs/`` of the results folder, beside what submitit keeps of the job.
"""

from __future__ import annotations

import json
import logging
import math
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from zoo.core.errors import BadInput, Unavailable, reason_of
from zoo.core.files import make_folder
from zoo.harness.plan.planned_run import PlannedRun
from zoo.harness.plan.suite import Suite
from zoo.harness.results.store import RunFolder
from zoo.harness.run.executor import CARRY_OUT, Elsewhere, check_precision, output_of, payload_of
from zoo.harness.run.executors.local import LocalExecutor

FOLDER = ".jobs"
_POLL_SECONDS = 0.5
_STOP_SECONDS = 30.0
"""How long a run may take to write its checkpoint; Slurm warns a job before (``signal_delay_s``)."""


class Job:
    """What a job does: one run, in a process of its own.

    Args:
        said: the file that takes what it says, a line a message; a file with ``.stop`` behind its name asks it to
            stop, one with ``.kill`` ends it at once.
    """

    def __init__(self, function: str, payload: dict[str, Any], output: str | None, said: str):
        self.told = function, payload, output, said

    def __call__(self) -> int | None:
        """The exit code of the run's process."""
        function, payload, output, said = self.told
        # Slurm warns all processes of a job, and this one tells the run: the others are kept from the signal.
        warning = {signal.SIGUSR1, signal.SIGUSR2}
        before = signal.pthread_sigmask(signal.SIG_BLOCK, warning)
        local = LocalExecutor()
        self._task = local.start(function, payload, output=Path(output) if output else None)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        stop, kill = Path(f"{said}.stop"), Path(f"{said}.kill")
        self._say({"begun": os.getpid()})
        while alive := self._task.alive:
            local.wait([self._task], _POLL_SECONDS)
            for message in self._task.messages():
                self._say(message)
            if kill.exists():
                self._task.kill()
            elif stop.exists():
                self._task.stop()
        assert not alive
        for message in self._task.messages():
            self._say(message)
        self._task.join(_STOP_SECONDS)
        record = None if stop.exists() or kill.exists() else RunFolder(Path(payload["folder"])).last_record()
        if record is not None and record.status == "interrupted":
            time.sleep(_STOP_SECONDS)  # Slurm has told it to stop; it ends this job next, and queues it again
        return self._task.exitcode

    def checkpoint(self) -> Any:
        """The job is to go: what is to be done in its next life (submitit asks, in its handler of the signal)."""
        import submitit

        self._task.stop()
        self._task.join(_STOP_SECONDS)
        self._say({"waits": True})
        return submitit.helpers.DelayedSubmission(Job(*self.told))

    def _say(self, message: dict[str, Any]) -> None:
        with Path(self.told[-1]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(message) + "\n")


class SlurmTask(Elsewhere):
    """A job, as the bench sees it; ``job`` once it is submitted."""

    def __init__(self, name: str, job: Job):
        super().__init__()
        self.name, self.work = name, job
        self.job: Any = None
        self._said = Path(job.told[-1])
        self._read = 0
        self.waiting = True

    def look(self) -> None:
        if self._code is None and self.job is not None and self.job.done():
            self._code = self._result()
        try:
            with self._said.open("rb") as file:
                file.seek(self._read)
                lines = file.read()
        except FileNotFoundError:
            return
        whole = lines[: lines.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            message = json.loads(line)
            if "begun" in message or "waits" in message:
                self.waiting = "waits" in message
            else:
                self._messages.append(message)

    def _result(self) -> int:
        import submitit

        try:
            code: int | None = self.job.result()
        except submitit.core.utils.FailedJobError as error:
            self._messages.append({"note": f"{self.name}: its job failed: {reason_of(error)}"})
            return 1
        except submitit.core.utils.UncompletedJobError:
            return -signal.SIGKILL
        return -signal.SIGKILL if code is None else code

    @property
    def speaks(self) -> bool:
        """Whether there is something to hear, or it has ended."""
        return not self.alive or bool(self._messages)

    def stop(self) -> None:
        if self.waiting:
            self.kill()  # nothing of it is at work
        else:
            Path(f"{self._said}.stop").touch()

    def kill(self) -> None:
        if self.alive:
            # Without Slurm submitit cancels by SIGINT, which a job ignores whose bench a shell began in the background.
            Path(f"{self._said}.kill").touch()
            if self.job is not None:
                self.job.cancel(check=False)
            self._code = -signal.SIGKILL


class SlurmExecutor:
    """Jobs, submitted by submitit.

    Args:
        minutes: of a job, after which it is queued again and goes on; None: the suite's timeout and a little more.
        cpus, gpus: of each run; None: the suite's threads, and one GPU unless ``--device`` is the CPU.
        requeues: how often a job may come to the end of its time.
        at_once: jobs in the queue at a time; Slurm's ``MaxArraySize`` is above it.
        parameters: what else submitit is to tell Slurm: ``{slurm_partition: gpu, mem_gb: 32}``.
        cluster: submitit's own word: ``local`` has no Slurm, and is for trying out.

    Raises:
        Unavailable: submitit is not installed.
    """

    def __init__(
        self,
        *,
        minutes: int | None = None,
        cpus: int | None = None,
        gpus: int | None = None,
        requeues: int = 100,
        at_once: int = 1000,
        parameters: dict[str, Any] | None = None,
        cluster: str = "slurm",
    ):
        try:
            import submitit
        except ImportError:
            raise Unavailable(
                "The executor 'slurm' needs the package submitit; pip install 'colorizer-zoo[slurm]'."
            ) from None
        logging.getLogger("submitit").setLevel(logging.ERROR)  # without accounting it would warn again and again
        self._submitit: Any = submitit
        self._minutes, self._cpus, self._gpus = minutes, cpus, gpus
        self._requeues, self._at_once, self._cluster = requeues, at_once, cluster
        self._parameters = dict(parameters or {})
        self._new: list[SlurmTask] = []
        self._count = 0
        self._executor: Any = None

    def room(self, suite: Suite, device: str, jobs: int | None) -> int:
        """See :class:`zoo.harness.run.executor.Executor`; ``jobs`` is how many Slurm runs at a time."""
        gpus = self._gpus if self._gpus is not None else int(not device.startswith("cpu"))
        check_precision(suite, device, gpus=bool(gpus))
        self._parameters = {
            "name": "zoo",
            "timeout_min": self._minutes or math.ceil(suite.timeout / 60) + 10,
            "cpus_per_task": self._cpus or suite.threads or 1,
            **({"gpus_per_node": gpus} if gpus else {}),
            "slurm_array_parallelism": jobs or self._at_once,
            "slurm_signal_delay_s": int(3 * _STOP_SECONDS),
            **self._parameters,
        }
        return self._at_once

    def submit(self, run: PlannedRun, results: Path, *, function: str = CARRY_OUT) -> SlurmTask:
        """See :class:`zoo.harness.run.executor.Executor`; the job is sent with its neighbours by :meth:`wait`."""
        folder = make_folder(results.absolute() / FOLDER)
        if self._executor is None:
            try:
                self._executor = self._submitit.AutoExecutor(
                    folder=folder, cluster=self._cluster, slurm_max_num_timeout=self._requeues
                )
                self._executor.update_parameters(**self._parameters)
            except (RuntimeError, ValueError, NameError, TypeError, AssertionError) as error:
                raise BadInput(f"Slurm cannot be used here: {reason_of(error)}") from None
        self._count += 1
        output = output_of(run, results, function)
        said = folder / f"{os.getpid()}-{time.time_ns()}-{self._count}.jsonl"
        task = SlurmTask(
            run.name, Job(function, payload_of(run, results), str(output.absolute()) if output else None, str(said))
        )
        self._new.append(task)
        return task

    def wait(self, tasks: Iterable[SlurmTask], seconds: float) -> None:
        """See :class:`zoo.harness.run.executor.Executor`."""
        if self._new:
            new = [task for task in self._new if task.exitcode is None]
            self._new = []
            with self._executor.batch():
                submitted = [self._executor.submit(task.work) for task in new]
            for task, job in zip(new, submitted, strict=True):
                task.job = job
        tasks = list(tasks)
        deadline = time.monotonic() + seconds
        while not any(task.speaks for task in tasks) and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, _POLL_SECONDS))

    def close(self) -> None:
        """Nothing: what is still at work was stopped by the bench."""
