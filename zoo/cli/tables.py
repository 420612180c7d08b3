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
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(plain(title)) if title else None, box=box.SIMPLE_HEAD, title_justify="left")
    for i, column in enumerate(columns):
        numbers = all(_is_number(line[i]) for line in cells)
        last = i == len(columns) - 1
        table.add_column(column, justify="right" if numbers else "left", no_wrap=not last, overflow="fold")
    for line in cells:
        table.add_row(*(Text(text) for text in line))  # Text: brackets in a summary are no markup
    Console().print(table)


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
