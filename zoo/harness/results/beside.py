"""Where the same rows stand in another results folder, as a column: equal seconds beside equal steps, say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import msgspec

from zoo.core.errors import BadInput
from zoo.harness.results.column import Column, Span
from zoo.harness.results.columns import MODEL, RANK
from zoo.harness.results.leaderboard import read_table
from zoo.harness.results.protocol import Protocol
from zoo.harness.results.store import run_folders


class Beside(NamedTuple):
    """The other folder's ranks, and the column that they stand in."""

    column: Column
    places: Mapping[str, Span]


def beside(folder: Path, others: Sequence[Path] | None = None) -> list[Beside]:
    """The ranks of ``others`` to be shown with those of ``folder``.

    Args:
        others: results folders; None: those in the same place whose protocol is the same but for the budget.

    Raises:
        BadInput: one of ``others`` has no leaderboard, or it cannot be read.
    """
    return [_beside(other) for other in (_siblings(folder) if others is None else others)]


def _beside(folder: Path) -> Beside:
    _, rows = read_table(folder)
    places: dict[str, Span] = {}
    for row in rows:
        cells = [row.cells.get(name, "") for name in RANK.names]
        if all(cells):
            # Of a row under several protocols, the first one's, as the report shows.
            places.setdefault(row.text(MODEL), Span(*map(float, cells)))
    name, protocol = folder.resolve().name, _protocol(folder)
    budget = str(protocol.budget) if protocol and protocol.budget else "each recipe's own budget"
    column = replace(
        RANK,
        name=f"rank_{name}",
        title=f"rank in {name}",
        meaning=f"place in {name}, by {budget}",
        shown=1,
        of_row=lambda row: places.get(row.label),
    )
    return Beside(column, places)


def _siblings(folder: Path) -> list[Path]:
    own, here = _protocol(folder), folder.resolve()
    found = sorted(table.parent for table in here.parent.glob("*/leaderboard.csv") if table.parent != here)
    return [each for each in found if own and (other := _protocol(each)) and _is_other_budget(own, other)]


def _is_other_budget(one: Protocol, other: Protocol) -> bool:
    alike = [msgspec.structs.replace(each, fingerprint="", budget=None) for each in (one, other)]
    return one.budget != other.budget and alike[0] == alike[1]


def _protocol(folder: Path) -> Protocol | None:
    """That of the first run that can be read."""
    for run in run_folders(folder):
        try:
            record = run.record()
        except BadInput:
            continue  # the folder's own report says so
        if record is not None:
            return record.protocol
    return None
