"""Weights that are trained already: another scoring, by one more metric say, needs no other training."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import torch

from zoo.core.errors import BadInput
from zoo.core.resolve import changed_since
from zoo.core.trained import UNTRAINED, load
from zoo.harness.plan.planned_run import PlannedRun
from zoo.harness.results.run_record import RunRecord
from zoo.harness.results.store import RunFolder
from zoo.harness.run.training_run import Trained
from zoo.harness.run.workbench import on_device
from zoo.harness.scoring.costs import DISTURBED

_SEEN_ON_THE_WAY = ("test", "eval_hints", "hint_seed", "size", "fit")
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
        colorizer = on_device(load(self.folder.path, device), run.suite, device)
        if self.folder.log.is_file():
            shutil.copyfile(self.folder.log, folder.log)
        before, last = self.record.curve[:-1], self.record.curve[-1:]
        return Trained(
            colorizer,
            self.record.steps,
            before if self._seen_alike(run) else [],
            last[0] if last else None,
            dict(self.record.costs),
            [*colorizer.notes, *self._notes(run)],
            earlier=True,
        )

    def scored_elsewhere(self, run: PlannedRun, device: torch.device) -> Trained:
        """Its weights for ``run``, of a suite that trains nothing: its curve and its log are of other photos.

        Raises:
            BadInput: the weights are damaged.
        """
        colorizer = on_device(load(self.folder.path, device), run.suite, device)
        size = self.record.protocol.size
        train, changed = self.record.data.train, changed_since(run.spec)
        notes = [
            *colorizer.notes,
            *(note for note in self._notes(run) if not note.startswith(DISTURBED)),
            f"trained under {self.record.suite!r} at {size} px on {train.photos} photos of {train.source}",
            *([f"trained by other code than its {' and '.join(changed)} have now"] if changed else []),
        ]
        costs = {name: self.record.costs.get(name) for name in ("train_img_s", "train_s", "training_busy")}
        return Trained(colorizer, self.record.steps, [], None, costs, notes)

    def _seen_alike(self, run: PlannedRun) -> bool:
        """Whether the points of its curve are of the same photos and hints."""
        then, now = self.record.protocol, run.protocol
        return all(getattr(then, name) == getattr(now, name) for name in _SEEN_ON_THE_WAY)

    def _notes(self, run: PlannedRun) -> list[str]:
        """What it noted, without what is said of the metrics anew; and whose weights these are."""
        outdated = tuple(f"{name}: " for name in run.suite.metrics)
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
    for path in sorted(results.glob(f"runs/{run.model}/seed{run.seed}-*/run.json")):
        folder = RunFolder(path.parent)
        try:
            record = folder.record()
        except BadInput:
            continue  # whoever needs that run is told
        if (
            record is not None
            and record.ok
            and record.training_key == run.training_key
            and record.key != run.key
            and folder.is_of(record)
            and folder.weights.is_file()
        ):
            return TrainedBefore(folder, record)
    return None
