"""A table on the terminal (drawn by rich), in a pipe (aligned lines), or as JSON, CSV or Markdown."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.cli.terminal import echo, echo_json, plain

Row = Mapping[str, Any]


def print_table(rows: Sequence[Row], columns: Sequence[str], *, title: str = "") -> None:
    """One row a line; on a terminal in its width, else aligned and never cut. A missing cell is empty."""
    cells = [[cell(row.get(column)) for column in columns] for row in rows]
    if sys.stdout.isatty():
        _draw(cells, columns, title)
        return
    lines = [list(columns), *cells]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    for line in lines:
        padded = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        echo("  ".join(padded).rstrip())


def print_json(value: Any) -> None:
    """JSON for a program or a reader; what is not finite is null."""
    import json

    echo_json(json.dumps(_plain(value), indent=1, ensure_ascii=False))


def print_markdown(rows: Sequence[Row], columns: Sequence[str]) -> None:
    """A table as GitHub shows it."""
    echo("| " + " | ".join(columns) + " |")
    echo("|" + " --- |" * len(columns))
    for row in rows:
        echo("| " + " | ".join(cell(row.get(c)).replace("|", "\\|") for c in columns) + " |")


def cell(value: Any) -> str:
    """A value as a reader wants it: four significant digits, nothing for what was not measured."""
    if value is None or value != value:
        return ""
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"
    return plain(str(value)).strip()


def _draw(cells: list[list[str]], columns: Sequence[str], title: str) -> None:
    from rich import box
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    widths = [max(map(cell_len, (column, *(line[i] for line in cells)))) for i, column in enumerate(columns)]
    room = console.width - _PADDING * len(columns)
    if sum(min(width, _LEAST) for width in widths) > room:
        _draw_upright(cells, columns, title)
        return
    table = Table(title=Text(plain(title)) if title else None, box=box.SIMPLE_HEAD, title_justify="left")
    for i, column in enumerate(columns):
        numbers = all(_is_number(line[i]) for line in cells)
        # Where all fits but the last column, the others keep their lines; a long word is folded, never cut off.
        whole = sum(widths[:-1]) + min(widths[-1], _LEAST) <= room and i < len(columns) - 1
        table.add_column(
            Text(column),
            justify="right" if numbers else "left",
            no_wrap=whole,
            overflow="fold",
            min_width=min(widths[i], _LEAST),
        )
    for line in cells:
        table.add_row(*(Text(text) for text in line))  # Text: brackets in a summary are no markup
    console.print(table)


_PADDING = 3
"""Of a column, in characters, with its share of the frame."""
_LEAST = 8
"""Characters below which a column is not squeezed."""


def _draw_upright(cells: list[list[str]], columns: Sequence[str], title: str) -> None:
    """A value a line, for a terminal that is too narrow for columns."""
    if title:
        echo(title)
    for line in cells:
        for column, text in zip(columns, line, strict=True):
            if text:
                echo(f"{column}: {text}")
        echo()


def _is_number(text: str) -> bool:
    try:
        float(text or "0")
    except ValueError:
        return False
    return True


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value
