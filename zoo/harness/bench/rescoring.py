"""Weights that are trained already: another scoring, by one more metric say, needs no other training."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from zoo.core.errors import BadInput
from zoo.core.trained import UNTRAINED
from zoo.harness.bench.plan import Run
from zoo.harness.bench.run_record import CurvePoint, RunRecord
from zoo.harness.bench.store import RunFolder

_SEEN_ON_THE_WAY = ("test", "eval_hints", "hint_seed", "size", "fit")
"""What of a protocol decides the PSNR at the points of a curve."""


class TrainedBefore(NamedTuple):
    """A finished run that was trained as another one is to be."""

    folder: RunFolder
    record: RunRecord

    def take_log(self, run: RunFolder) -> None:
        """Bring its log along."""
        if self.folder.log.is_file():
            shutil.copyfile(self.folder.log, run.log)

    def curve(self, run: Run, psnr: float | None) -> list[CurvePoint]:
        """Its curve, which ends in the new score; the points before only if of the same photos and hints."""
        if not self.record.curve:
            return []
        *before, last = self.record.curve
        then, now = self.record.protocol, run.protocol
        alike = all(then.get(name) == now.get(name) for name in _SEEN_ON_THE_WAY)
        return [*(before if alike else []), msgspec.structs.replace(last, psnr=psnr)]

    def notes(self, metrics: Sequence[str]) -> list[str]:
        """What it noted, without what is said of the metrics anew; and whose weights these are."""
        outdated = tuple(f"{name}: " for name in metrics)
        made = self.record.provenance
        whose = f"scored again: weights of {self.folder.path.name}, trained on {made.device}, {made.finished[:10]}"
        return [*(note for note in self.record.notes if not note.startswith((*outdated, "scored again: "))), whose]


def trained_before(results: Path, run: Run) -> TrainedBefore | None:
    """A run of the folder whose training was the same and whose weights are here, if there is one."""
    if run.weights or run.recipe_name == UNTRAINED or not run.training_key:
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
