"""A results folder read: its runs, which of them stand for a model, and their scores as tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from zoo.core.errors import BadInput
from zoo.harness.bench.run_record import RunRecord
from zoo.harness.bench.store import RunFolder, run_folders


class Result:
    """A run folder read: its record, and the scores of its images when there are any."""

    def __init__(self, folder: RunFolder, record: RunRecord):
        self.folder = folder
        self.record = record
        self.names, self.scores = folder.scores() if record.ok else ([], {})
        if record.ok and len(self.names) != record.images:
            raise BadInput(
                f"{folder.path / 'scores.csv'} has {len(self.names)} of {record.images} images; "
                "delete its folder to run it again."
            )
        self.draws: dict[str, list[float]] = folder.scores("samples.csv")[1] if record.samples else {}


def read_results(folder: Path) -> list[Result]:
    """Every run of a results folder.

    Raises:
        BadInput: no such folder, or a file of a run that is damaged or of another version.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder} does not exist; name a results folder such as results/quick.")
    return [Result(found, record) for found in run_folders(folder) if (record := found.record()) is not None]


def newest(runs: Iterable[Result]) -> dict[tuple[str, str], list[Result]]:
    """Per protocol and model, the runs of the newest key: an older recipe's stay in runs.csv only."""
    by_key: dict[tuple[str, str], dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        by_key[run.record.place][run.record.key].append(run)
    return {
        place: max(keys.values(), key=lambda group: max(run.record.provenance.finished for run in group))
        for place, keys in by_key.items()
    }


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
