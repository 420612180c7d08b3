"""How the work on many photos is watched: a bar on a terminal, a plain line now and then in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import click

from zoo.cli.pace import Pace
from zoo.cli.terminal import echo

Item = TypeVar("Item")

QUIET_SECONDS = 10.0
"""In a pipe, one line in this time at most."""


def watched(
    items: Iterable[Item], total: int, clock: Callable[[], float] = time.monotonic, unit: str = "photos"
) -> Iterator[Item]:
    """Hand on ``items``, each when it is done, and show on standard error how far it is."""
    if total < 2:
        yield from items
    elif sys.stderr.isatty():
        pace = Pace(total, clock)
        with click.progressbar(
            items,
            length=total,
            file=sys.stderr,
            show_pos=True,
            show_eta=True,
            item_show_func=lambda _: speed(pace.rate, unit) if pace.done else "",
        ) as bar:
            for item in bar:
                pace.done += 1
                yield item
    else:
        pace, said = Pace(total, clock), clock()
        for item in items:
            pace.done += 1
            yield item
            if clock() - said >= QUIET_SECONDS and pace.done < total:
                said = clock()
                echo(f"{pace.done:.0f} of {total} {unit}, {speed(pace.rate, unit)}, {pace.left()}", err=True)


def speed(rate: float, unit: str = "photos") -> str:
    """``2.5 photos/s``; two digits, however slow."""
    return f"{rate:.2g} {unit}/s" if rate < 10 else f"{rate:.0f} {unit}/s"
