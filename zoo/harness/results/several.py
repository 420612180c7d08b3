"""Several results folders read as one: what two machines did of a bench, or two benches of one protocol."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from zoo.core.errors import BadInput
from zoo.harness.results.finished_runs import Result, Results, mark_shown, newest
from zoo.harness.results.leaderboard import Board
from zoo.harness.results.protocol import of_different


def read_several(folders: Sequence[Path]) -> Board:
    """The runs of all folders, ranked together.

    Seeds of one row that lie in several folders make one row; where the folders hold different runs of a row (another
    version of the code trained them) each has a row of its own, with the folder's name behind the model's. A run that
    lies in two folders counts once.

    Args:
        folders: one, or several of the same protocol.

    Raises:
        BadInput: no results are in one of them, or they have no protocol in common with the first.
    """
    boards = [Board.read(folder) for folder in folders]
    if len(boards) == 1:
        return boards[0]
    first = boards[0]
    for other in boards[1:]:
        if not {run.record.fingerprint for run in first.runs} & {run.record.fingerprint for run in other.runs}:
            latest = [board.leagues[0].runs[0].record.protocol for board in (first, other)]
            raise of_different(first.folder, other.folder, latest, "be ranked together")
    names = _names(folders)
    keys: dict[tuple[str, str], set[str]] = defaultdict(set)
    for board in boards:
        for row, group in newest(board.runs).items():
            keys[row].add(group[0].record.key)
    kept: dict[tuple[tuple[str, str], str, int], Result] = {}
    left_out = [sentence for board in boards for sentence in board.runs.left_out]
    for board, name in zip(boards, names, strict=True):
        for run in board.runs:
            if len(keys[run.record.row]) > 1:
                run.record = msgspec.structs.replace(run.record, label=f"{run.record.label} ({name})")
            which = run.record.row, run.record.key, run.record.seed
            before = kept.get(which)
            if before is None or (run.ok and not before.ok):
                kept[which] = run
            elif run.ok and run.scores != before.scores:
                left_out.append(
                    f"{run.folder.path} is another making of {before.folder.path}, and its scores differ; "
                    "the first counts."
                )
    runs = list(kept.values())
    mark_shown(runs)
    return Board(folders[0], Results(runs, left_out))


def _names(folders: Sequence[Path]) -> list[str]:
    """What each is called: its own name, or the whole path where two have one name."""
    names: Mapping[str, int] = Counter(folder.resolve().name for folder in folders)
    found = [name if names[name := folder.resolve().name] == 1 else str(folder) for folder in folders]
    if len(set(found)) < len(found):
        raise BadInput(f"{found[0]} is given twice; name each results folder once.")
    return found
