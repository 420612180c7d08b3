"""CSV that a spreadsheet may open: a text is never taken for a formula there, and is read back exactly.

A cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a line end is run by spreadsheets (OWASP, "CSV
Injection"), and names of models, photos and errors are other people's. Such a text is written with an apostrophe
before it, unless it is a plain number; one that begins like that already gets one more, so that nothing is lost.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LONGEST = 32_000
"""Characters of a cell; a spreadsheet holds 32,767, and a reader refuses 131,072."""

_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def csv_text(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV with ``\\n`` line ends; None is an empty cell, and what is longer than :data:`LONGEST` is cut."""
    lines = [columns, *([row.get(column) for column in columns] for row in rows)]
    return "".join(",".join(_quoted(escaped(value)) for value in line) + "\n" for line in lines)


def read_csv(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The columns, and the rows by them; every cell is the text that was written.

    Raises:
        OSError, ValueError: it cannot be read; it is empty, or a row is longer or shorter than the header.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = [[plain(cell) for cell in line] for line in csv.reader(file) if line]
    except csv.Error as error:
        raise ValueError(str(error)) from None
    if not lines:
        raise ValueError("it is empty")
    columns, *cells = lines
    if len(set(columns)) != len(columns):
        raise ValueError("two columns have one name")
    odd = next((number for number, line in enumerate(cells, 2) if len(line) != len(columns)), None)
    if odd is not None:
        raise ValueError(f"row {odd} has {len(cells[odd - 2])} cells, not {len(columns)}")
    return columns, [dict(zip(columns, line, strict=True)) for line in cells]


def escaped(value: Any) -> str:
    """A value as a cell."""
    text = "" if value is None else str(value)
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "…"
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def _quoted(cell: str) -> str:
    """As the csv module does, which leaves a lone ``\\r`` bare where lines end in ``\\n``: it ends a line as well."""
    return '"' + cell.replace('"', '""') + '"' if any(c in cell for c in ',"\r\n') else cell


def plain(cell: str) -> str:
    """A cell as it was before :func:`escaped`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def number(cell: str) -> float:
    """A cell as a finite number, NaN where it is empty.

    Raises:
        ValueError: it is not a number, or not finite.
    """
    value = float(cell) if cell else float("nan")
    if cell and not abs(value) < float("inf"):
        raise ValueError(f"{cell!r} is not a finite number")
    return value
