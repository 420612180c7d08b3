"""A budget of seconds as steps: a row's step is measured once, and how many fill the seconds is kept.

``step_times/<model>-<key of the training>.json`` of the results folder holds it, so that all seeds of a row, and a run
that is taken up again, train equally long. A bench measures all its rows before it begins and says how long it will
take.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import torch

from zoo.core.errors import BadInput, reason_of
from zoo.core.files import make_folder, write_whole
from zoo.harness.plan.planned_run import PlannedRun
from zoo.harness.results.store import RunFolder
from zoo.harness.run.crew import how_it_died
from zoo.harness.run.executor import Executor, Task
from zoo.harness.run.reporter import Reporter, duration
from zoo.harness.run.workbench import Workbench, use_registry_files
from zoo.harness.scoring.scores import colorized
from zoo.harness.training import device as devices
from zoo.harness.training.budget import Budget
from zoo.harness.training.device import finish
from zoo.harness.training.loop import Training

MEASURE = f"{__name__}:main"

LONGEST_SECONDS = 600.0
"""A row that has not been measured by then is left to its run."""
_POLL_SECONDS = 0.5
_PHOTOS = 4
"""Colorized to see what scoring will take."""


class StepTime(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many steps fill a row's budget, the seconds that one takes, and those to colorize a photo.

    A row that trains by no steps has none.
    """

    steps: int | None
    step_seconds: float
    photo_seconds: float

    def run_seconds(self, looks: int) -> float:
        """What a run takes that trains and colorizes so many photos."""
        return (self.steps or 0) * self.step_seconds + looks * self.photo_seconds


def step_time(bench: Workbench, results: Path) -> StepTime:
    """The run's row as it was measured before in the ``results`` folder, else measured now and kept.

    Raises:
        BadInput: the file is damaged, or cannot be written.
    """
    known = known_step_time(bench.run, results)
    if known is not None:
        return known
    training = bench.training
    trains = bool(training.objective.players)
    seconds = step_seconds(training) if trains else 0.0
    steps = bench.run.budget.filled(seconds).steps if trains else None
    found = StepTime(steps, round(seconds, 6), round(_photo_seconds(bench), 6))
    path = _file(bench.run, results)
    make_folder(path.parent)
    write_whole(path, msgspec.json.encode(found) + b"\n")
    return found


def known_step_time(run: PlannedRun, results: Path) -> StepTime | None:
    """What the folder knows of the run's row: kept when it was measured, or told by a finished run of it.

    Raises:
        BadInput: a file is damaged.
    """
    path = _file(run, results)
    try:
        return msgspec.json.decode(path.read_bytes(), type=StepTime)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{path} cannot be read ({error}); delete it to measure the row again.") from None
    for folder in sorted(results.glob(f"runs/{run.model}/seed*-*")):
        record = RunFolder(folder).record()
        if record is not None and record.ok and record.training_key == run.training_key:
            costs, steps = record.costs, record.steps or None
            trained = (costs.get("train_s") or 0.0) / (steps or 1)
            return StepTime(steps, trained, (costs.get("infer_ms") or 0.0) / 1000)
    return None


def main(payload: dict[str, Any], send: Callable[[dict[str, Any]], None], stop: Callable[[], bool]) -> None:
    """The main of a process that measures one row."""
    use_registry_files(payload["registry_files"])
    run = msgspec.convert(payload["run"], PlannedRun)
    devices.prepare(devices.pick_device(run.device), deterministic=run.suite.deterministic, threads=run.suite.threads)
    try:
        bench = Workbench.of(run)
        if bench.objective.players:
            bench.objective.prepare(bench.preparation())
        send(msgspec.to_builtins(step_time(bench, Path(payload["results"]))))
    except (Exception, SystemExit) as error:
        send({"error": reason_of(error)})


def measure(
    runs: Sequence[PlannedRun], results: Path, executor: Executor, reporter: Reporter, jobs: int
) -> dict[str, StepTime]:
    """The step times of the rows of ``runs``, by their training's key; so many ``jobs`` are measured at a time.

    What cannot be measured is left out with a note: the run will come to the same end, and say it in its row.
    """
    found: dict[str, StepTime] = {}
    waiting = list({run.training_key: run for run in reversed(runs)}.values())[::-1]
    for run in list(waiting):
        known = known_step_time(run, results)
        if known is not None:
            found[run.training_key] = known
            waiting.remove(run)
    if waiting:
        reporter.note(f"measuring what a step takes, of {len(waiting)} rows")
    active: list[tuple[PlannedRun, Task, float]] = []
    try:
        while waiting or active:
            while waiting and len(active) < jobs:
                run = waiting.pop(0)
                active.append((run, executor.submit(run, results, function=MEASURE), time.monotonic()))
            executor.wait([task for _, task, _ in active], _POLL_SECONDS)
            for each in list(active):
                run, task, began = each
                late = time.monotonic() - began > min(LONGEST_SECONDS, run.suite.timeout)
                ended = late or not task.alive
                answers = task.messages()
                if not answers and not ended:
                    continue
                active.remove(each)
                task.kill()  # its answer is all that is wanted of it
                answer = (answers or [{"error": "it took too long" if late else how_it_died(task.exitcode)}])[0]
                if "error" in answer:
                    reporter.note(f"{run.label}: a step could not be measured: {answer['error']}")
                else:
                    found[run.training_key] = told = msgspec.convert(answer, StepTime)
                    if told.steps is not None:
                        seconds = f"{run.budget.seconds:g} s"
                        reporter.note(f"{run.label}: {told.steps} steps fill {seconds}, {told.step_seconds:.3g} s each")
    finally:
        for _, task, _ in active:
            task.kill()
    return found


def forecast(runs: Sequence[PlannedRun], times: Mapping[str, StepTime], looks: int, jobs: int) -> str:
    """How long the runs will take where nothing else wants the cores, in one sentence.

    Args:
        looks: how many photos a run colorizes to be scored.
    """
    known = [run for run in runs if run.training_key in times]
    takes = [(run.seed, times[run.training_key].run_seconds(looks) / jobs) for run in known]
    first = min((seed for seed, _ in takes), default=0)
    whole = duration(sum(each for _, each in takes))
    text = f"{len(known)} runs will take about {whole}, {jobs} at a time on cores of their own"
    if any(seed > first for seed, _ in takes):
        text += f"; every row has its first seed after {duration(sum(each for seed, each in takes if seed == first))}"
    return text


def _file(run: PlannedRun, results: Path) -> Path:
    return results / "step_times" / f"{run.model}-{run.training_key}.json"


def _photo_seconds(bench: Workbench) -> float:
    batch = next(bench.evaluations(batch_size=_PHOTOS)).batch
    bench.colorizer.eval()
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        colorized(bench.colorizer, batch)  # what only the first one costs
        return seconds_of(lambda: colorized(bench.colorizer, batch), bench.device) / len(batch.ab)


STEPS = 10
"""Taken from the start of a training to its end, since a step of another phase may cost more."""
LEAST_SECONDS = 2.0
"""They are taken again and again for so long, but no longer than the whole budget."""
PASSES = 5
"""And so often where there is a GPU, of which the first few passes are no measure: it chooses algorithms for every size
that is new to it, and the loader has only begun."""


def step_seconds(training: Training) -> float:
    """Seconds a step, on the average over the whole training; whatever was trained for it is taken back."""
    passes: list[float] = []
    enough = min(LEAST_SECONDS, training.budget.seconds or LEAST_SECONDS)
    often = 1 if training.device.type == "cpu" else PASSES
    with training.taken_back():
        training.budget = Budget(steps=STEPS)
        training.one_step()  # what only the first one costs
        while sum(passes) < enough or len(passes) < often:
            training.step = 0
            passes.append(seconds_of(lambda: [training.one_step() for _ in range(STEPS)], training.device))
    return median(passes) / STEPS


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """What ``work`` takes of a machine that has nothing else to do: on the CPU, time in which others have the cores
    is not counted.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    finish(device)
    passed, worked = time.perf_counter() - wall, time.process_time() - cpu
    return min(passed, worked) if device.type == "cpu" else passed
