"""Whether a run has seen the photos that it is scored on under another suite than its own: notes that mark its row."""

from __future__ import annotations

from pathlib import Path

from zoo.core.errors import ZooError
from zoo.harness.data.bank import PhotoBank
from zoo.harness.data.build import build_bank
from zoo.harness.data.source import open_splits
from zoo.harness.plan.suite import Suite, own_suite
from zoo.harness.results.run_record import MAY_HAVE_SEEN, RESEMBLE, RunRecord
from zoo.harness.run.overlap import overlap


def marks_elsewhere(record: RunRecord, folder: Path, suite: Suite, test: PhotoBank) -> list[str]:
    """Notes for a run that was trained under its own suite and is scored under another one.

    Args:
        record, folder: the run's.
        suite, test: the other suite, and its photos.

    Returns:
        What others have made of its weights; and a note where photos it was trained on resemble some of ``test``, or
        where they are not here to be compared.
    """
    notes = [note for note in record.notes if note.startswith(MAY_HAVE_SEEN) and not note.endswith(RESEMBLE)]
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
    seen = len(overlap(training, test))
    return [*notes, f"{MAY_HAVE_SEEN}{seen} of these {len(test)} {RESEMBLE}"] if seen else notes
