"""A run's training: taken up from its checkpoint, logged, and looked at on the way."""

from __future__ import annotations

import contextlib
import copy
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import torch
from torch import nn

from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput, Diverged, Stopped, reason_of
from zoo.harness.metrics.mean import mean_of_all
from zoo.harness.results.run_record import CurvePoint
from zoo.harness.results.store import RunFolder
from zoo.harness.run.line import Line
from zoo.harness.run.step_times import step_time
from zoo.harness.run.tracking import Tracking
from zoo.harness.run.workbench import Workbench
from zoo.harness.scoring.machine_load import Load
from zoo.harness.scoring.scores import make_metrics, score_colorizer
from zoo.harness.training.budget import Budget
from zoo.harness.training.checkpoint import read_state, save_state
from zoo.harness.training.loop import Training


class Trained(NamedTuple):
    """A colorizer whose training is over, in this run or in an earlier one.

    ``curve`` are its points but ``end``, whose PSNR is the score to come; None where nothing was to be trained.
    ``costs`` are those of the training; of an earlier run all that it measured, and then ``earlier`` is set.
    """

    colorizer: Colorizer
    steps: int | None
    curve: list[CurvePoint]
    end: CurvePoint | None
    costs: dict[str, float | None]
    notes: list[str]
    earlier: bool = False

    def curve_to(self, psnr: float | None) -> list[CurvePoint]:
        """The whole curve, which ends in the score."""
        return [*self.curve, msgspec.structs.replace(self.end, psnr=psnr)] if self.end else []


def as_it_is(bench: Workbench) -> Trained:
    """A colorizer that a suite without training scores: nothing to learn, or weights that were given."""
    return Trained(bench.colorizer, 0, [], None, {"train_img_s": None, "train_s": 0.0, "training_busy": 0.0}, [])


def train(bench: Workbench, folder: RunFolder, results: Path, tracking: Tracking, line: Line) -> Trained:
    """Train to the end, with a look at the PSNR at the suite's points of the way.

    Args:
        folder: where the log and the checkpoint are.
        results: the results folder, where a budget in seconds is known in steps.
        tracking: who else is told.

    Raises:
        Stopped: the bench said so; there is a checkpoint then.
        Diverged: a loss, or a weight in the end, that is not finite.
    """
    training, suite = bench.training, bench.run.suite
    resumed, notes = resume(training, folder)
    if not resumed:
        bench.objective.prepare(bench.preparation())
    if training.budget.seconds is not None and training.objective.players:
        training.budget = Budget(steps=step_time(bench, results).steps)
    load = Load()
    curve: list[CurvePoint] = []
    if training.objective.players:
        if training.progress < 1 and (suite.compile or training.device.type != "cpu"):
            training.warm_up()
        begun = training.step
        curve = _curve_so_far(folder)
        points = [point / suite.curve for point in range(1, suite.curve)]
        for look in training.looks(points=points, save_every=suite.checkpoint_every):
            if look.log:
                folder.append_log({name: round(value, 6) for name, value in look.log.items()})
                tracking.log(training.step, {name: value for name, value in look.log.items() if name != "step"})
                rate = training.photos / max(training.seconds, 1e-9)
                loss = look.log[training.objective.players[-1]]
                line.progress("training", training.progress, loss=loss, photos_per_s=rate)
            if look.point:
                # Before a checkpoint: a run that is taken up from there would go past it.
                psnr = _psnr(bench, training.trained, line)
                curve.append(CurvePoint(training.step, round(training.seconds, 3), psnr))
                folder.append_log({"curve": True, **msgspec.structs.asdict(curve[-1])})
                tracking.log(training.step, {"psnr": psnr} if psnr is not None else {})
            stopped = line.stop()
            if look.checkpoint_due or stopped:
                _save(training, folder)
            if stopped:
                raise Stopped("stopped; the same command goes on from its checkpoint")
        _check_weights(training.trained)
        if training.step > begun:
            # Whatever goes wrong from here on, in scoring or outside, the training is done and kept.
            _save(training, folder)
    busy = load.share()
    if training.clock.gaps:
        notes.append(f"stood still for {training.clock.gaps:.0f} s of its training, which are not counted")
    # A copy is not compiled: batches of all sizes are scored, and compiling for each would take long.
    trained: Any = copy.deepcopy(training.trained) if suite.compile else training.trained
    learned = training.step > 0
    return Trained(
        trained,
        training.step,
        curve,
        CurvePoint(training.step, round(training.seconds, 3)) if training.objective.players else None,
        {
            "train_img_s": training.photos / max(training.seconds, 1e-9) if learned else None,
            "train_s": training.seconds if learned else 0.0,
            "training_busy": busy if learned else 0.0,
        },
        notes,
    )


def resume(training: Training, folder: RunFolder) -> tuple[bool, list[str]]:
    """Take a training up from its checkpoint, if there is a good one; and notes where there is a bad one."""
    path = folder.checkpoint
    if not path.exists():
        with contextlib.suppress(FileNotFoundError):
            folder.log.unlink()
        return False, []
    # A checkpoint is a convenience: without it the run starts anew and ends the same.
    before = copy.deepcopy(training.state_dict())
    try:
        training.load_state_dict(read_state(path)["training"])
    except BadInput as error:
        note = f"started anew: {error}"
    except (RuntimeError, LookupError, TypeError, ValueError, AttributeError) as error:
        note = f"started anew: {path} does not fit this training ({reason_of(error)})"
    else:
        folder.cut_log(training.step)
        return True, []
    training.load_state_dict(before)  # whatever part of it was taken over
    folder.cut_log(-1)
    return False, [note]


def _psnr(bench: Workbench, colorizer: nn.Module, line: Line) -> float | None:
    """The mean over the test photos."""
    metrics, _ = make_metrics(["psnr"], device=bench.device)
    return mean_of_all(
        "psnr", score_colorizer(colorizer, bench.evaluations(), metrics, stop=line.stop).per_image["psnr"]
    ).value


def _check_weights(trained: nn.Module) -> None:
    """The loss is looked at before a step; what the last one has made of the weights nobody has seen yet."""
    for name, weight in trained.named_parameters():
        if not torch.isfinite(weight).all():
            raise Diverged(f"The weights are not finite after the last step ({name}).")


def _save(training: Training, folder: RunFolder) -> None:
    save_state({"training": training.state_dict()}, folder.checkpoint)


def _curve_so_far(folder: RunFolder) -> list[CurvePoint]:
    if not folder.log.exists():
        return []
    entries = map(msgspec.json.decode, folder.log.read_bytes().splitlines())
    return [
        msgspec.convert({name: value for name, value in entry.items() if name != "curve"}, CurvePoint)
        for entry in entries
        if entry.get("curve")
    ]
