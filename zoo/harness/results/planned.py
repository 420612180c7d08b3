"""Which run a row of the table shows: the one that was planned last, whatever the clocks said when runs ended.

A bench writes the key of each row it plans into ``planned.json`` of its results folder. So an option that is set to
64 and back to 1 shows the runs of 1 again, which are done already and older; and a run dated in the future shows
nothing that nobody asked for. Folders without the file, of before it was written, show each row's newest key.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from zoo.core.errors import BadInput
from zoo.core.files import write_whole

NAME = "planned.json"

RowKey = tuple[str, str]
"""A row: its protocol's fingerprint and its model's label."""


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    protocol: str
    model: str
    key: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rows: list[_Row]
    schema: int = 1


def read_planned(results: Path) -> dict[RowKey, str]:
    """The key that each row shows; a row that is not there was never planned here.

    Raises:
        BadInput: the file is damaged.
    """
    path = results / NAME
    try:
        content = msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(
            f"{path} cannot be read ({error}); delete it to show each row's newest runs, or give its bench again."
        ) from None
    return {(row.protocol, row.model): row.key for row in content.rows}


def remember(results: Path, keys: Mapping[RowKey, str]) -> None:
    """Add the rows of a plan to the folder's, each with its runs' key, in place of what they showed before.

    Raises:
        BadInput: it cannot be read or written.
    """
    before = read_planned(results)
    planned: Mapping[RowKey, str] = {**before, **keys}
    if planned != before:
        rows = [_Row(protocol, model, key) for (protocol, model), key in sorted(planned.items())]
        text = msgspec.json.format(msgspec.json.encode(_File(rows)), indent=1)
        write_whole(results / NAME, text + b"\n")
