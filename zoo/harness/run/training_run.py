"""A run's training: taken up from its checkpoint, logged, and looked at on the way; or taken over from an earlier run,
since another scoring, by one more metric say, needs no other training.
"""

from __future__ import annotations

import contextlib
import copy
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import torch
from torch import nn

from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput, Diverged, Stopped, reason_of
from zoo.core.spec import UNTRAINED
from zoo.harness.metrics.exact import mean_of_all
from zoo.harness.plan.planned_run import PlannedRun
from zoo.harness.results.run_record import DISTURBED, MAY_HAVE_SEEN, CurvePoint, RunRecord
from zoo.harness.results.store import LogEntry, RunFolder, scored_runs
from zoo.harness.run.tracking import Line, Tracking
from zoo.harness.run.workbench import Workbench, on_device
from zoo.harness.scoring.costs import Load
from zoo.harness.scoring.scores import make_metrics, score_colorizer
from zoo.harness.training.budget import Budget
from zoo.harness.training.loop import Training, read_state, save_state


class TrainingCosts(msgspec.Struct, frozen=True, kw_only=True):
    """Of a record's ``costs``, those of the training; ``training_busy`` is the share of :class:`Load`."""

    train_img_s: float | None = None
    train_s: float | None = 0.0
    training_busy: float | None = 0.0


class Trained(NamedTuple):
    """A colorizer whose training is over, in this run or in an earlier one.

    ``curve`` has no points where nothing was to be trained. ``weighed`` are all costs that an earlier run measured of
    the same colorizer.
    """

    colorizer: Colorizer
    steps: int | None
    curve: list[CurvePoint]
    costs: TrainingCosts
    notes: list[str]
    weighed: dict[str, float | None] | None = None


def as_it_is(bench: Workbench) -> Trained:
    """A colorizer that a suite without training scores: nothing to learn, or weights that were given."""
    return Trained(bench.colorizer, 0, [], TrainingCosts(), [])


def train(bench: Workbench, folder: RunFolder, results: Path, tracking: Tracking, line: Line) -> Trained:
    """Train to the end, with a look at the validation photos' PSNR at the suite's points of the way and at its end.

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
        from zoo.harness.run.step_times import step_time  # few budgets are in seconds

        training.budget = Budget(steps=step_time(bench, results).steps)
    training.begin()
    load = Load()
    curve: list[CurvePoint] = []
    if training.objective.players:
        if training.progress < 1 and (suite.compile or training.device.type != "cpu"):
            training.warm_up()
        begun = training.step
        curve = [entry.point for entry in folder.logged() if entry.point]
        points = [point / suite.curve for point in range(1, suite.curve)]
        for look in training.looks(points=points, save_every=suite.checkpoint_every):
            if look.log:
                folder.append_log(LogEntry.of_step(look.log))
                tracking.log(training.step, {name: value for name, value in look.log.items() if name != "step"})
                rate = training.photos / max(training.seconds, 1e-9)
                loss = look.log[training.objective.players[-1]]
                done = {"step": training.step, "seconds": round(training.seconds, 1)}
                line.progress("training", training.progress, loss=loss, photos_per_s=rate, **done)
            if look.point:
                # Before a checkpoint: a run that is taken up from there would go past it.
                psnr = _psnr(bench, training.trained, results, line)
                curve.append(CurvePoint(training.step, round(training.seconds, 3), psnr))
                folder.append_log(LogEntry.of_point(curve[-1]))
                tracking.log(training.step, {"psnr": psnr} if psnr is not None else {})
            stopped = training.agreed(line.stop())
            if look.checkpoint_due or stopped:
                _save(training, folder)
            if stopped:
                raise Stopped("stopped; the same command goes on from its checkpoint")
        # The loss is looked at before a step; what the last one has made of the weights nobody has seen yet.
        for name, weight in training.trained.named_parameters():
            if not torch.isfinite(weight).all():
                raise Diverged(f"The weights are not finite after the last step ({name}).")
        if training.step > begun:
            # Whatever goes wrong from here on, in scoring or outside, the training is done and kept.
            _save(training, folder)
    busy = load.share()
    if training.clock.gaps:
        notes.append(f"stood still for {training.clock.gaps:.0f} s of its training, which are not counted")
    # A copy is not compiled: batches of all sizes are scored, and compiling for each would take long.
    trained: Any = copy.deepcopy(training.trained) if suite.compile else training.trained
    if training.objective.players:
        psnr = _psnr(bench, trained, results, line) if suite.curve else None
        curve.append(CurvePoint(training.step, round(training.seconds, 3), psnr))
    costs = TrainingCosts()
    if training.step > 0:
        rate = training.photos / max(training.seconds, 1e-9)
        costs = TrainingCosts(train_img_s=rate, train_s=training.seconds, training_busy=busy)
    return Trained(trained, training.step, curve, costs, notes)


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


def _psnr(bench: Workbench, colorizer: nn.Module, results: Path, line: Line) -> float | None:
    """The mean over the validation photos; None where there are none."""
    if bench.photos.validation is None:
        return None
    metrics, _ = make_metrics(["psnr"], device=bench.device)
    # A network that is compiled would be compiled again for each propagator that stands in it.
    kept = contextlib.nullcontext() if bench.run.suite.compile else bench.spreading_once(colorizer, results)
    with kept:
        scores = score_colorizer(colorizer, bench.looked_at(), metrics, stop=line.stop)
    return mean_of_all("psnr", scores.per_image["psnr"]).value


def _save(training: Training, folder: RunFolder) -> None:
    if state := training.checkpoint():
        save_state({"training": state}, folder.checkpoint)


_SEEN_ON_THE_WAY = ("validation", "old_print", "eval_hints", "hint_seed", "size", "fit")
"""What of a protocol decides the PSNR at the points of a curve."""


class TrainedBefore(NamedTuple):
    """A finished run that was trained as another one is to be."""

    folder: RunFolder
    record: RunRecord

    def taken_over(self, run: PlannedRun, folder: RunFolder, device: torch.device) -> Trained:
        """Its weights, log and curve for ``run``, whose folder is ``folder``.

        Raises:
            BadInput: the weights are damaged.
        """
        from zoo.core.trained import load  # most runs train, and need no reader of weights

        colorizer = on_device(load(self.folder.path, device), run.suite, device)
        if self.folder.log.is_file():
            shutil.copyfile(self.folder.log, folder.log)
        then, now = self.record.protocol, run.protocol
        seen_alike = all(getattr(then, name) == getattr(now, name) for name in _SEEN_ON_THE_WAY)
        curve, notes = self.record.curve if seen_alike else [], [*colorizer.notes, *self._notes(run)]
        costs = self._training_costs()
        return Trained(colorizer, self.record.steps, curve, costs, notes, dict(self.record.costs))

    def scored_elsewhere(self, run: PlannedRun, device: torch.device) -> Trained:
        """Its weights for ``run``, of a suite that trains nothing: its curve and its log are of other photos.

        Raises:
            BadInput: the weights are damaged.
        """
        from zoo.core.resolve import changed_since
        from zoo.core.trained import load

        colorizer = on_device(load(self.folder.path, device), run.suite, device)
        sizes = ", ".join(map(str, self.record.protocol.trained_at))
        train, changed = self.record.data.train, changed_since(run.spec)
        notes = [
            *colorizer.notes,
            *(note for note in self._notes(run) if not note.startswith(DISTURBED)),
            f"trained under {self.record.suite!r} at {sizes} px on {train.photos} photos of {train.source}",
            *([f"trained by other code than its {' and '.join(changed)} have now"] if changed else []),
        ]
        return Trained(colorizer, self.record.steps, [], self._training_costs(), notes)

    def _training_costs(self) -> TrainingCosts:
        known = self.record.costs
        return TrainingCosts(**{name: known.get(name) for name in TrainingCosts.__struct_fields__})

    def _notes(self, run: PlannedRun) -> list[str]:
        """What it noted, without what is said of the metrics and the photos anew; and whose weights these are."""
        outdated = (*(f"{name}: " for name in run.suite.metrics), MAY_HAVE_SEEN)
        made = self.record.provenance
        whose = f"scored again: weights of {self.folder.path.name}, trained on {made.device}, {made.finished[:10]}"
        return [*(note for note in self.record.notes if not note.startswith((*outdated, "scored again: "))), whose]


def trained_elsewhere(run: PlannedRun) -> TrainedBefore:
    """The run of another suite that is to be scored.

    Raises:
        BadInput: it is no longer there.
    """
    folder = RunFolder(Path(run.trained_in))
    record = folder.record()
    if record is None:
        raise BadInput(f"{folder.path} holds no run.json any more; put the run back.")
    return TrainedBefore(folder, record)


def trained_before(results: Path, run: PlannedRun) -> TrainedBefore | None:
    """A run of the folder whose training was the same and whose weights are here, if there is one."""
    if run.weights or run.recipe_name == UNTRAINED:
        return None
    for folder, record in scored_runs(results, run.model, run.seed):
        if record.training_key == run.training_key and record.key != run.key and folder.weights.is_file():
            return TrainedBefore(folder, record)
    return None
