"""``zoo watch``: a running bench, seen from elsewhere."""

from __future__ import annotations

import datetime
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli.arguments import FilePath, Seconds, refuse_given
from zoo.cli.terminal import echo, plain

if TYPE_CHECKING:
    from zoo.harness.run.status import BenchStatus, RunStatus

_SHOWN = {"running": 100, "failed": 10, "pending": 8, "done": 8}
"""Rows of each state on a screen; the first line counts all."""
_COLUMNS = ("run", "state", "done", "step", "seconds", "left", "loss", "photos/s", "PSNR", "said")


@click.command("watch", short_help="Watch a running bench from elsewhere.")
@click.argument("folder", type=FilePath(exists=True))
@click.option("--once", is_flag=True, help="Print how it stands now, every run, and end.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@click.option("--every", type=Seconds(), default=2.0, show_default=True, help="Look again after so many seconds.")
@click.pass_context
def command(ctx: click.Context, folder: Path, once: bool, as_json: bool, every: float) -> None:
    """Show how the bench stands that writes into FOLDER: what runs, waits, is done and has failed.

    It only reads, from any terminal, also on another machine that sees the folder, and ends when the bench does.
    In a pipe it prints a few lines whenever something has changed.
    """
    from zoo.harness.run.status import read_status

    if once or as_json:
        refuse_given(ctx, ("every",), "is for looking again, and this looks once: leave it out")
    status = read_status(folder)
    if as_json:
        import msgspec

        from zoo.cli.tables import print_json

        runs = [{**msgspec.to_builtins(run), "left": run.left} for run in status.runs]
        print_json({**msgspec.to_builtins(status), "runs": runs})
    elif once:
        from zoo.cli.tables import print_table

        echo(_headline(status))
        rows = [_row(run) for run in _in_order(status)]
        print_table(rows, [column for column in _COLUMNS if any(row[column] for row in rows)])
    elif sys.stdout.isatty():
        _live(folder, every)
    else:
        _lines(folder, every)


def _live(folder: Path, every: float) -> None:
    from rich import box
    from rich.console import Group
    from rich.live import Live
    from rich.table import Table
    from rich.text import Text

    from zoo.harness.run.status import read_status

    def drawn(status: BenchStatus) -> Group:
        rows = [_row(run) for run in _in_order(status, short=True)]
        table = Table(box=box.SIMPLE_HEAD)
        columns = [column for column in _COLUMNS if any(row[column] for row in rows)]
        for column in columns:
            table.add_column(column, overflow="ellipsis", no_wrap=True)
        for row in rows:
            table.add_row(*(Text(plain(row[column])) for column in columns))
        return Group(Text(plain(_headline(status))), table)

    with Live(drawn(read_status(folder)), auto_refresh=False) as live:
        while True:
            status = read_status(folder)
            live.update(drawn(status), refresh=True)
            if not status.at_work:
                return
            time.sleep(every)


def _lines(folder: Path, every: float) -> None:
    from zoo.harness.run.status import read_status

    said: dict[str, str] = {}
    while True:
        status = read_status(folder)
        for run in status.runs:
            state = f"{run.state} {run.phase if run.state == 'running' else run.said}".strip()
            if said.get(run.name, "pending") != state and (said or run.state != "done"):
                echo(f"{run.name}: {state}")
            said[run.name] = state
        if (line := _headline(status)) != said.get(""):
            echo(line)
            said[""] = line
        if not status.at_work:
            return
        time.sleep(every)


def _headline(status: BenchStatus) -> str:
    counts = ", ".join(f"{len(found)} {state}" for state in _SHOWN if (found := status.of(state)))
    if status.at_work:
        return ": ".join((status.suite, ", ".join(filter(None, (counts or "beginning", _left(status))))))
    how = {"finished": "the bench has ended", "stopped": "the bench was stopped"}.get(
        status.ended, "no bench is at work here any more, it was killed"
    )
    more = "; the same command goes on from here" if status.of("pending") else ""
    return f"{status.suite}: {counts}; {how}{more}"


def _left(status: BenchStatus) -> str:
    """How long it all will take, by what was done since it began."""
    from zoo.cli.pace import RunsPace

    seconds = [0.0]
    pace = RunsPace(len(status.runs) - status.before, lambda: seconds[0])
    seconds[0] = (_time(status.heard) - _time(status.started)).total_seconds()
    for run in status.of("running"):
        pace.at_work(run.name, run.phase, run.fraction)
    for _ in range(len([*status.of("done"), *status.of("failed")]) - status.before):
        pace.finish("")
    return str(pace).partition(", ")[2]


def _in_order(status: BenchStatus, *, short: bool = False) -> list[RunStatus]:
    """By state; of what is done the last ones first, where only some are shown."""
    found = []
    for state, most in _SHOWN.items():
        runs = status.of(state)
        if short and state == "done":
            runs = sorted(runs, key=lambda run: run.heard, reverse=True)
        found += runs[:most] if short else runs
    return found


def _row(run: RunStatus) -> dict[str, str]:
    from zoo.harness.results.measured import PSNR
    from zoo.harness.run.reporter import duration

    running = run.state == "running"
    silent = (datetime.datetime.now(datetime.UTC) - _time(run.heard)).total_seconds() if running and run.heard else 0
    said = f"silent for {duration(silent)}" if silent > 120 else "" if run.said == "ok" else run.said
    return {
        "run": run.name,
        "state": run.phase or "starting" if running else run.state,
        "done": f"{run.fraction:.0%}" if running else "",
        "step": "" if run.step is None else str(run.step),
        "seconds": "" if run.seconds is None else f"{run.seconds:.0f}",
        "left": "" if run.left is None else duration(run.left),
        "loss": f"{run.loss:.4f}" if running and run.loss is not None else "",
        "photos/s": f"{run.photos_per_s:.0f}" if running and run.photos_per_s is not None else "",
        "PSNR": PSNR.text(run.psnr),
        "said": said,
    }


def _time(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)
