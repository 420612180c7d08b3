"""Whether the weights of a run may have seen the photos that it is scored on: notes that a row is marked by."""

from __future__ import annotations

from pathlib import Path

from zoo.core.errors import ZooError
from zoo.core.registry import current
from zoo.core.spec import UNTRAINED, pretrained
from zoo.harness.data.bank import PhotoBank
from zoo.harness.data.build import build_bank
from zoo.harness.data.source import open_splits
from zoo.harness.plan.planned_run import PlannedRun
from zoo.harness.plan.suite import Suite, SuitePhotos, own_suite
from zoo.harness.results.run_record import MAY_HAVE_SEEN, RunRecord
from zoo.harness.run.overlap import MOST_PHOTOS, overlap


def marks_of_weights(run: PlannedRun) -> list[str]:
    """A note each where weights were trained by others: nobody has kept the test photos from them."""
    found = []
    if run.weights is not None:
        row = current().weights.get(run.weights.published)
        found.append(f"its weights were trained on {row.trained_on if row and row.trained_on else 'unknown photos'}")
    if trunks := pretrained(run.spec.effective):
        found.append(f"{trunks} started from published weights")
    return [MAY_HAVE_SEEN + each for each in found]


def marks_of_training(run: PlannedRun, photos: SuitePhotos) -> list[str]:
    """A note where the suite's own training photos resemble test photos; of more than so many only the bench tells."""
    trained = run.suite.trains and run.spec.recipe != UNTRAINED and run.weights is None
    if not trained or len(photos.train) + len(photos.test) > MOST_PHOTOS:
        return []
    return _marks(photos.train, photos.test)


def marks_elsewhere(record: RunRecord, folder: Path, suite: Suite, test: PhotoBank) -> list[str]:
    """Notes for a run that was trained under its own suite and is scored under another one.

    Args:
        record, folder: the run's.
        suite, test: the other suite, and its photos.

    Returns:
        What others have made of its weights; and a note where photos it was trained on resemble some of ``test``, or
        where they are not here to be compared.
    """
    notes = [note for note in record.notes if note.startswith(MAY_HAVE_SEEN) and not note.endswith(_RESEMBLE)]
    train = record.data.train
    if not train.photos or record.steps == 0:
        return notes
    try:
        own = own_suite(record, folder)
        splits = open_splits(train.source, own.test_data if own.trains else None)
        training = build_bank(splits.train, side=suite.size, fit=suite.fit)
    except ZooError as error:
        told = str(error).rstrip(".")
        return [*notes, f"{MAY_HAVE_SEEN}its {train.photos} of {train.source} cannot be compared with them ({told})"]
    return [*notes, *_marks(training, test)]


_RESEMBLE = "resemble photos that it was trained on"


def _marks(train: PhotoBank, test: PhotoBank) -> list[str]:
    seen = len(overlap(train, test))
    return [f"{MAY_HAVE_SEEN}{seen} of these {len(test)} {_RESEMBLE}"] if seen else []
