"""Every error a user can cause. One sentence each: what was wrong, where, and the mend.

The command line prints these without a traceback and exits with code 2; anything else that
escapes is a fault of ours and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ZooError(Exception):
    """Something the user can mend. ``str(error)`` is the whole message."""


class BadInput(ZooError):
    """A file, folder, option or value that cannot be used."""


class UnknownName(ZooError):
    """A name that nothing is registered under; the message carries the nearest ones."""


class AmbiguousName(ZooError):
    """A bare name that two distributions register; the message lists both."""


class ContractError(ZooError):
    """A part that does not keep the contract of its kind (see :mod:`zoo.core.contracts`)."""


class BrokenPlugin(ZooError):
    """A part that cannot be imported or built; the zoo goes on without it."""


class Unavailable(ZooError):
    """Something real that cannot be had here, such as weights on an unreachable hub.

    Not a failure: the harness leaves the cell empty and puts the message into ``notes``.
    """


class Diverged(ZooError):
    """Training reached a loss that is not finite."""


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
