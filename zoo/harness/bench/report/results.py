"""What a report is made of: the run folders and the CSVs beside them, read and checked."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from zoo.core.errors import BadInput
from zoo.harness.bench.columns import RUN_COLUMNS
from zoo.harness.bench.run_row import Data, Provenance
from zoo.harness.bench.store import RunFolder, run_folders


class CurvePoint(msgspec.Struct, frozen=True):
    """The test PSNR at some point of the training."""

    step: int
    seconds: float
    psnr: float | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of run.json that are shown."""

    label: str
    seed: int
    key: str
    status: str
    error: str
    suite: str
    protocol: dict[str, Any]
    data: Data
    recipe: str
    plan: dict[str, Any]
    provenance: Provenance
    baseline: bool = False
    curve: list[CurvePoint] = []


class Run(NamedTuple):
    """A run and where it lies."""

    record: Record
    folder: RunFolder


@dataclass(frozen=True)
class Standing:
    """What can be compared: the leaderboard's rows of one protocol, best first, and the runs behind them."""

    protocol: str
    rows: list[dict[str, str]]
    runs: list[Run]

    @property
    def suite(self) -> dict[str, Any]:
        """The suite as the first of the runs was planned with."""
        return self.runs[0].record.plan.get("suite") or {}

    @property
    def models(self) -> list[str]:
        return [row["model"] for row in self.rows]

    def runs_of(self, model: str) -> list[Run]:
        """A model's runs by seed, those of its newest key: the ones the leaderboard's row is made of."""
        found = [run for run in self.runs if run.record.label == model]
        newest = max(found, key=lambda run: run.record.provenance.finished, default=None)
        return sorted(
            (run for run in found if newest and run.record.key == newest.record.key), key=lambda run: run.record.seed
        )


def read_runs(folder: Path) -> list[Run]:
    """All runs of a results folder.

    Raises:
        BadInput: there are none, or a run.json is damaged.
    """
    runs = []
    for found in run_folders(folder):
        row = found.row()
        try:
            runs.append(Run(msgspec.convert(row, Record), found))
        except msgspec.ValidationError as error:
            raise BadInput(
                f"{found.path / 'run.json'} is damaged ({error}); delete its folder to run it again."
            ) from None
        if "fingerprint" not in runs[-1].record.protocol:
            raise BadInput(f"{found.path / 'run.json'} names no protocol; delete its folder to run it again.")
    if not runs:
        raise BadInput(f"{folder} holds no runs to report on; name a results folder such as results/quick.")
    return runs


def standings(folder: Path, runs: list[Run]) -> list[Standing]:
    """One a protocol, in the leaderboard's order.

    Raises:
        BadInput: leaderboard.csv cannot be read.
    """
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in read_csv(folder / "leaderboard.csv", ("model", "protocol", "status")):
        rows[row["protocol"]].append(row)
    return [
        Standing(protocol, group, [run for run in runs if run.record.protocol["fingerprint"] == protocol])
        for protocol, group in rows.items()
    ]


def read_csv(path: Path, needed: tuple[str, ...]) -> list[dict[str, str]]:
    """A CSV's rows as text; an empty or missing cell is ``""``.

    Raises:
        BadInput: it cannot be read, or lacks one of the columns that are needed.
    """
    try:
        with path.open(newline="") as file:
            reader = csv.DictReader(file, restkey="", restval="")
            missing = [column for column in needed if column not in (reader.fieldnames or ())]
            rows = list(reader)
    except (OSError, ValueError, csv.Error) as error:
        raise BadInput(f"{path} cannot be read ({error}); delete it and have it written again.") from None
    if missing:
        raise BadInput(f"{path} has no column {missing[0]!r}; delete it and have it written again.")
    return rows


def number(text: str) -> float | None:
    """A cell as a finite number; None where it is empty or none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) != float("inf") and value == value else None


def plugin_metrics(row: dict[str, str]) -> list[str]:
    """The columns that plugins have added at the end of the leaderboard."""
    columns = list(row)
    return [column for column in columns[columns.index("date") + 1 :] if column and column not in RUN_COLUMNS]
