"""How the work on many photos is watched: a bar on a terminal, a plain line now and then in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import click

from zoo.cli.pace import Pace
from zoo.cli.terminal import echo, wipe_line

Item = TypeVar("Item")

QUIET_SECONDS = 10.0
"""In a pipe, one line in this time at most."""


def watched(
    items: Iterable[Item],
    total: int,
    clock: Callable[[], float] = time.monotonic,
    unit: str = "photos",
    worked: Callable[[Item], bool] = lambda item: True,
) -> Iterator[Item]:
    """Hand on ``items``, each when it is done, and show on standard error how far it is.

    Args:
        worked: whether an item took work, not only a look: the others tell nothing of how long it will take.
    """
    if total < 2:
        yield from items
        return
    pace = Pace(total, clock)
    if sys.stderr.isatty():
        with click.progressbar(
            items,
            length=total,
            file=sys.stderr,
            show_pos=True,
            show_eta=False,
            item_show_func=lambda _: told(pace, unit),
        ) as bar:
            for item in bar:
                pace.step(worked=worked(item))
                yield item
    else:
        said = clock()
        for item in items:
            pace.step(worked=worked(item))
            yield item
            if clock() - said >= QUIET_SECONDS and pace.done < total:
                said = clock()
                echo(", ".join(filter(None, (f"{pace.done:.0f} of {total} {unit}", told(pace, unit)))), err=True)


def said_beside(sentence: str) -> None:
    """Say something on standard error: in the line of a bar, if one is there, which comes again below."""
    if sys.stderr.isatty():
        wipe_line()
    echo(sentence, err=True)


def told(pace: Pace, unit: str) -> str:
    """``2.5 photos/s, about 5 min left``; empty while nothing tells."""
    return ", ".join(filter(None, (speed(pace.rate, unit), pace.left()))) if pace.rate else ""


def speed(rate: float, unit: str = "photos") -> str:
    """``2.5 photos/s``; two digits, however slow."""
    return f"{rate:.2g} {unit}/s" if rate < 10 else f"{rate:.0f} {unit}/s"
