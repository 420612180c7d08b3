"""``zoo list``: what is registered. Imports no part, and no torch."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import Any

import click

from zoo.cli.arguments import format_option
from zoo.cli.terminal import echo

_TABLE = ("name", "state", "origin", "summary")


@click.command("list", short_help="List what is registered.")
@click.argument("kind", default="models")
@click.option("--filter", "pattern", default="*", metavar="GLOB", help="Show only names like '*unet*'.")
@format_option("table", "json", "names")
def command(kind: str, pattern: str, form: str) -> None:
    """List models, or KIND: encoders, losses, … recipes, weights, suites, or all."""
    from zoo.cli.tables import print_json, print_table
    from zoo.core.registry import current

    for each in current().misplaced:
        echo(f"zoo: {each}", err=True)
    rows = [row for row in _rows(kind) if fnmatch.fnmatchcase(row["name"], pattern)]
    if form == "json":
        print_json(rows)
    elif form == "names":
        for row in rows:
            echo(row["name"])
    elif rows:
        print_table(rows, ("kind", *_TABLE) if kind == "all" else _TABLE)
    else:
        echo(f"No {kind} match {pattern!r}." if pattern != "*" else f"There are no {kind}.", err=True)


def _rows(kind: str) -> list[dict[str, Any]]:
    from zoo.cli.names import LISTED
    from zoo.core.errors import UnknownName, did_you_mean
    from zoo.core.kinds import KINDS
    from zoo.core.registry import current

    if kind == "all":
        return [row for each in LISTED for row in _rows(each)]
    registry = current()
    if kind in ("recipes", "weights"):
        table: Mapping[str, Any] = registry.recipes if kind == "recipes" else registry.weights
        return [
            {"kind": kind, "name": name, "state": "ok", "origin": "", "summary": row.summary, "source": row.source}
            for name, row in sorted(table.items())
        ]
    if kind == "suites":
        return _suites()
    if kind not in KINDS:
        raise UnknownName(f"Unknown kind {kind!r}; {did_you_mean(kind, (*LISTED, 'all'))}")
    rows = []
    for name in registry.names(kind):
        entry = registry.entry(kind, name)
        state, error = registry.state(entry)
        plugin = entry.row is None
        rows.append(
            {
                "kind": kind,
                "name": name,
                "state": state,
                "origin": f"{entry.distribution} {entry.version}" if plugin else entry.origin,
                "summary": error or getattr(entry.row, "summary", ""),
                "source": getattr(entry.row, "source", ""),
                "licence": getattr(entry.row, "licence", ""),
                "target": entry.target,
            }
        )
    return rows


def _suites() -> list[dict[str, Any]]:
    from zoo.core.registry_rows import suites_folder
    from zoo.core.strict_yaml import read_mapping

    return [
        {
            "kind": "suites",
            "name": path.stem,
            "state": "ok",
            "origin": "built-in",
            "summary": str(read_mapping(path).get("summary", "")),
        }
        for path in sorted(suites_folder().glob("*.yaml"))
    ]
