"""Nothing is imported from the folder that the user happens to stand in.

Python puts the current folder first on its path for ``python -m`` and ``python -c``. A file ``socket.py`` that lies
there, in a downloads folder say, would be imported in the place of the library's by every helper process.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

_VARIABLE = "PYTHONSAFEPATH"
_PACKAGE = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def helpers_on_a_safe_path() -> Iterator[None]:
    """Python processes that are started within leave the current folder out of their path (``python -P``)."""
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before


def forget_safe_path(before: str | None) -> None:
    """In such a helper: what it starts itself, a plugin's script say, finds the environment as the user has it."""
    if before is None:
        os.environ.pop(_VARIABLE, None)


def user_choice() -> str | None:
    """What the user's environment says, for :func:`forget_safe_path`."""
    return os.environ.get(_VARIABLE)


def leave_current_folder() -> None:
    """For ``python -m zoo``: drop the current folder from the path that Python has put first.

    Where the package itself lies there, in a checkout that is not installed, it goes to the end instead.
    """
    if sys.flags.safe_path or not sys.path:
        return
    first = sys.path.pop(0)
    with contextlib.suppress(OSError, ValueError):
        if Path(first).resolve() == _PACKAGE:
            sys.path.append(first)
