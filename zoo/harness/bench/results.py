"""A results folder read: its runs, which of them stand for a model, and their scores as tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from zoo.core.errors import BadInput
from zoo.harness.bench.planned import read_planned
from zoo.harness.bench.run_record import RunRecord
from zoo.harness.bench.store import RunFolder, run_folders


class Result:
    """A run folder read: its record, the scores of its images when there are any, and whether its row shows it."""

    def __init__(self, folder: RunFolder, record: RunRecord, *, planned: bool = False):
        self.folder = folder
        self.record = record
        self.planned = planned
        self.names, self.scores = folder.scores() if record.ok else ([], {})
        if record.ok and len(self.names) != record.images:
            raise BadInput(
                f"{folder.path / 'scores.csv'} has {len(self.names)} of {record.images} images; "
                "delete its folder to run it again."
            )
        self.draws: dict[str, list[float]] = folder.scores("samples.csv")[1] if record.samples else {}


def read_results(folder: Path) -> list[Result]:
    """Every run of a results folder, each in the folder that is named after it: copies of a run folder are no runs.

    Raises:
        BadInput: no such folder, or a file of a run that is damaged or of another version.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder} does not exist; name a results folder such as results/quick.")
    planned = read_planned(folder)
    return [
        Result(found, record, planned=planned.get(record.place) == record.key)
        for found in run_folders(folder)
        if (record := found.record()) is not None and found.is_of(record)
    ]


def newest(runs: Iterable[Result]) -> dict[tuple[str, str], list[Result]]:
    """Per protocol and model, the runs that stand for it; runs of other keys, an older recipe's, are in runs.csv only.

    They are those that were planned last (:mod:`zoo.harness.bench.planned`); where none of them is here, those of the
    newest key.
    """
    by_key: dict[tuple[str, str], dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        by_key[run.record.place][run.record.key].append(run)
    return {
        place: max(keys.values(), key=lambda group: (group[0].planned, _latest(group)))
        for place, keys in by_key.items()
    }


def _latest(group: Iterable[Result]) -> tuple[str, str]:
    """When its last run ended; the key decides between equal dates, so that every rebuild agrees."""
    return max((run.record.provenance.finished, run.record.key) for run in group)


def in_seed_order(group: Iterable[Result]) -> list[Result]:
    """The finished runs."""
    return sorted((run for run in group if run.record.ok), key=lambda run: run.record.seed)


def score_table(scores: Sequence[Mapping[str, Sequence[float]]], metric: str) -> np.ndarray | None:
    """(seeds, images) of one metric, a mapping a seed; None where no image has it from every seed."""
    tables = [found[metric] for found in scores if metric in found]
    if not tables or len(tables) != len(scores) or len({len(table) for table in tables}) != 1:
        return None
    table = np.asarray(tables)
    return None if table.size == 0 or np.isnan(table).any(axis=0).all() else table
