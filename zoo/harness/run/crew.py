"""The processes at work: started, watched, timed out, and their ends turned into rows."""

from __future__ import annotations

import contextlib
import signal
import time
from pathlib import Path

from zoo.core.errors import BadInput
from zoo.core.files import make_folder
from zoo.harness.plan.planned_run import PlannedRun, Run, UnresolvedRun
from zoo.harness.results.leaderboard import Board
from zoo.harness.results.run_record import here_and_now
from zoo.harness.results.store import RunFolder
from zoo.harness.run.executor import Executor, Task
from zoo.harness.run.reporter import Reporter

POLL_SECONDS = 0.5
GRACE_SECONDS = 30.0
"""How long a stopped run may take to write its checkpoint."""
WRITING_SHARE = 20
"""How many times as long as the tables took to write is waited before they are written again."""


class _AtWork:
    """A run that was submitted; ``since`` when it is at work, and whether that was ``told``."""

    def __init__(self, run: PlannedRun, task: Task):
        self.run, self.task = run, task
        self.since: float | None = None
        self.told = False


class Crew:
    """Keeps ``jobs`` processes busy until the runs are done."""

    def __init__(self, executor: Executor, folder: Path, reporter: Reporter, jobs: int):
        self.executor = executor
        self.folder = folder
        self.reporter = reporter
        self.jobs = jobs
        self.active: dict[str, _AtWork] = {}
        self.board: Board | None = None
        self._written, self._writing = 0.0, 0.0
        self.told: set[str] = set()

    def work(self, runs: list[Run]) -> None:
        waiting = list(runs)
        try:
            while waiting or self.active:
                while waiting and len(self.active) < self.jobs:
                    self._start(waiting.pop(0))
                self.executor.wait([each.task for each in self.active.values()], POLL_SECONDS)
                for name in list(self.active):
                    self._look_at(name)
        except BaseException:
            self._stop_all()
            raise

    def _start(self, run: Run) -> None:
        make_folder(self.folder / run.folder, "choose another --out")
        if isinstance(run, UnresolvedRun):
            self.reporter.started(run.name)
            self._finish(run, "plugin_error", run.error)
            return
        self.active[run.name] = _AtWork(run, self.executor.submit(run, self.folder))

    def _look_at(self, name: str) -> None:
        run, task = self.active[name].run, self.active[name].task
        alive = task.alive  # before the messages, so that none sent before the end is missed
        late = self._late(name)
        for message in task.messages():
            if "note" in message:
                self.reporter.note(message["note"])
            else:
                self.reporter.progress(name, message)
        if alive and late:
            task.kill()
            task.join(GRACE_SECONDS)
            del self.active[name]
            self._finish(run, "timeout", f"not done after {run.suite.timeout:g} s; raise --timeout or lower the budget")
        elif not alive:
            task.join(GRACE_SECONDS)
            del self.active[name]
            code = task.exitcode
            if code == 0:
                self._finished(run)
            elif code == -signal.SIGKILL:
                self._finish(run, "interrupted", "killed (signal 9), by someone or for want of memory; run it again")
            else:
                self._finish(run, "error", f"the process died: {how_it_died(code)}; see output.log")
            self._keep_current()

    def _late(self, name: str) -> bool:
        """Whether a run has been at work for longer than it may; whoever watches is told when it begins to."""
        each, now = self.active[name], time.monotonic()
        if each.task.waiting:
            each.since = None
            return False
        if each.since is None:
            each.since = now
            if not each.told:
                each.told = True
                self.reporter.started(name)
        return now - each.since > each.run.suite.timeout

    def _keep_current(self) -> None:
        """Write the tables anew; where that takes long, only when it takes a small part of the time.

        Another run's damaged file, or a full disk, must not stop the runs that are still to come; it is said once.
        """
        began = time.monotonic()
        if began - self._written < WRITING_SHARE * self._writing:
            return
        try:
            self.board = Board.read(self.folder, self.board)
            self.board.write(sweeps=False)
        except BadInput as error:
            if str(error) not in self.told:
                self.told.add(str(error))
                self.reporter.note(f"the leaderboard is not up to date: {error}")
        self._written = time.monotonic()
        self._writing = self._written - began

    def _finish(self, run: Run, status: str, error: str) -> None:
        """Write the row of a run whose process could not."""
        folder = RunFolder(self.folder / run.folder)
        if not folder.finished():
            folder.write_record(run.record(here_and_now(run.device), status=status, error=error))
        self._finished(run)

    def _finished(self, run: Run) -> None:
        record = RunFolder(self.folder / run.folder).last_record()
        if record is None:
            self._finish(run, "error", "the process ended without a result; see output.log")
            return
        self.reporter.finished(run.name, record)

    def _stop_all(self) -> None:
        tasks = [each.task for each in self.active.values()]
        for task in tasks:
            task.stop()
        deadline = time.monotonic() + GRACE_SECONDS
        for task in tasks:
            task.join(max(deadline - time.monotonic(), 0.1))
            task.kill()


def how_it_died(code: int | None) -> str:
    """An exit code in words: a signal by its name."""
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"
