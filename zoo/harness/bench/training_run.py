"""A run's training: taken up from its checkpoint, logged, and looked at on the way."""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Callable

import msgspec
import torch
from torch import nn

from zoo.core.errors import BadInput, Diverged, Stopped, reason_of
from zoo.harness.bench.run_record import CurvePoint
from zoo.harness.bench.store import RunFolder
from zoo.harness.bench.suite import Suite
from zoo.harness.bench.tracking import Tracking
from zoo.harness.training.checkpoint import read_state, save_state
from zoo.harness.training.loop import Training


class TrainingRun:
    """What a bench does around the loop.

    Args:
        training: the loop.
        suite: how often to look, and to save.
        folder: where the log and the checkpoint are.
        tracking: who else is told.
        psnr: the mean PSNR of a colorizer on the test photos, for the curve.
        report: told the share that is done, the loss and the speed, for a progress bar.
        stop: asked between two steps.
    """

    def __init__(
        self,
        training: Training,
        suite: Suite,
        folder: RunFolder,
        tracking: Tracking,
        *,
        psnr: Callable[[nn.Module], float | None],
        report: Callable[..., None],
        stop: Callable[[], bool],
    ):
        self.training = training
        self.suite = suite
        self.folder = folder
        self.tracking = tracking
        self.psnr = psnr
        self.report = report
        self.stop = stop
        self.notes: list[str] = []
        self._saved = time.monotonic()
        self._until = 1.0

    def resume(self) -> bool:
        """Take the training up from its checkpoint, if there is a good one."""
        path = self.folder.checkpoint
        if not path.exists():
            with contextlib.suppress(FileNotFoundError):
                self.folder.log.unlink()
            return False
        # A checkpoint is a convenience: without it the run starts anew and ends the same.
        before = copy.deepcopy(self.training.state_dict())
        try:
            self.training.load_state_dict(read_state(path)["training"])
        except BadInput as error:
            self.notes.append(f"started anew: {error}")
        except (RuntimeError, LookupError, TypeError, ValueError, AttributeError) as error:
            self.notes.append(f"started anew: {path} does not fit this training ({reason_of(error)})")
        else:
            self.folder.cut_log(self.training.step)
            return True
        self.training.load_state_dict(before)  # whatever part of it was taken over
        self.folder.cut_log(-1)
        return False

    def run(self) -> list[CurvePoint]:
        """Train to the end, with a look at the PSNR at the suite's points of the way.

        Returns:
            The curve: step, seconds and PSNR at each of those points but the last, the end.

        Raises:
            Stopped: ``stop()`` said so; there is a checkpoint then.
            Diverged: a loss, or a weight in the end, that is not finite.
        """
        training = self.training
        if not training.objective.players:
            return []
        if training.progress < 1 and (self.suite.compile or training.device.type != "cpu"):
            training.warm_up()
        self._saved = time.monotonic()
        begun = training.step
        curve = self._curve_so_far()
        for point in range(1, self.suite.curve + 1):
            until = point / self.suite.curve
            if training.progress >= until:
                continue
            self._train(until)
            if until < 1:
                psnr = self.psnr(training.trained)
                reached = CurvePoint(training.step, round(training.seconds, 3), psnr)
                curve.append(reached)
                self.folder.append_log({"curve": True, **msgspec.structs.asdict(reached)})
                self.tracking.log(training.step, {"psnr": psnr} if psnr is not None else {})
        if training.progress < 1:
            self._train(1.0)
        self._check_weights()
        if training.step > begun:
            # Whatever goes wrong from here on, in scoring or outside, the training is done and kept.
            self._checkpoint()
        return curve

    def _check_weights(self) -> None:
        """The loss is looked at before a step; what the last one has made of the weights nobody has seen yet."""
        for name, weight in self.training.trained.named_parameters():
            if not torch.isfinite(weight).all():
                raise Diverged(f"The weights are not finite after the last step ({name}).")

    def _train(self, until: float) -> None:
        self._until = until
        if not self.training.run(until=until, on_log=self._on_log, stop=self.stop):
            self._checkpoint()
            raise Stopped("stopped; the same command goes on from its checkpoint")

    def _on_log(self, entry: dict[str, float]) -> None:
        training = self.training
        rate = training.photos / max(training.seconds, 1e-9)
        self.folder.append_log({k: round(v, 6) for k, v in entry.items()})
        self.tracking.log(training.step, {k: v for k, v in entry.items() if k != "step"})
        self.report(training.progress, loss=entry[training.objective.players[-1]], photos_per_s=rate)
        # At a point of the curve its PSNR is still to be taken: a run taken up from there would go past it.
        at_a_point = self._until < 1 and training.progress >= self._until
        if not at_a_point and time.monotonic() - self._saved > self.suite.checkpoint_every:
            self._checkpoint()
            self._saved = time.monotonic()

    def _checkpoint(self) -> None:
        save_state({"training": self.training.state_dict()}, self.folder.checkpoint)

    def _curve_so_far(self) -> list[CurvePoint]:
        if not self.folder.log.exists():
            return []
        entries = map(msgspec.json.decode, self.folder.log.read_bytes().splitlines())
        return [
            msgspec.convert({k: v for k, v in entry.items() if k != "curve"}, CurvePoint)
            for entry in entries
            if entry.get("curve")
        ]
