"""Every error a user can cause. One sentence each: what was wrong, where, and the mend.

The command line prints these without a traceback and exits with the class's own code; anything else
that escapes is a fault of ours and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar

LONGEST_REASON = 2_000
"""Characters of an error that a row, a message between processes or a table keeps."""


class ZooError(Exception):
    """Something the user can mend. ``str(error)`` is the whole message.

    Attributes:
        status: what a run is called that ends in it.
        exit_code: what the command line ends with.
    """

    status: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 2


class BadInput(ZooError):
    """A file, folder, option or value that cannot be used."""


class Changed(ZooError):
    """A file that was replaced or removed while it was in use: what was made of it before no longer fits."""


class UnknownName(ZooError):
    """A name that nothing is registered under; the message carries the nearest ones."""


class AmbiguousName(ZooError):
    """A bare name that two distributions register; the message lists both."""


class ContractError(ZooError):
    """A part that does not keep the contract of its kind (see :mod:`zoo.core.contracts`)."""

    status = "plugin_error"


class BrokenPlugin(ZooError):
    """A part that cannot be imported or built; the zoo goes on without it."""

    status = "plugin_error"


class Unavailable(ZooError):
    """Something real that cannot be had here, such as weights on an unreachable hub.

    Not a failure: the harness leaves the cell empty and puts the message into ``notes``.
    """


class Diverged(ZooError):
    """Training reached a loss, weights or predictions that are not finite."""

    status = "diverged"


class Stopped(ZooError):
    """Somebody asked for the end, and the work has been put down where it can be taken up again."""

    status = "interrupted"
    exit_code = 130


def reason_of(error: BaseException) -> str:
    """The first line of what an exception says, bounded: a stranger's error may hold megabytes, or nothing."""
    return bounded((str(error).strip().splitlines() or [type(error).__name__])[0].strip())


def cause_of(error: BaseException) -> str:
    """What a stranger's code raised: ``ValueError: the first line of what it says``, without a full stop."""
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or ['no message'])[0].rstrip('.')}"


def bounded(text: str) -> str:
    """At most :data:`LONGEST_REASON` characters, and a mark where more were."""
    return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 1] + "…"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of an error sentence: the nearest of ``known``, or a listing when nothing is near."""
    names = sorted({str(k) for k in known})
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return "did you mean " + " or ".join(repr(n) for n in near) + "?"
    if not names:
        return "there are none."
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"known: {shown}."
