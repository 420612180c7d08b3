"""Ctrl-C stops a command, whatever the code makes of it that it happens to meet."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

import click

from zoo.core.errors import Stopped


@contextlib.contextmanager
def interrupts_kept() -> Iterator[None]:
    """An error that follows a Ctrl-C is a KeyboardInterrupt again, but for one that says what became of the work.

    A library that is stopped in the middle of its import, or in a callback of its C code, may raise something else:
    numpy, half imported, recurses without end.
    """
    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not ours or threading.current_thread() is not threading.main_thread():
        yield
        return
    told = False

    def tell(*_: Any) -> None:
        nonlocal told
        told = True
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, tell)
    try:
        yield
    except (click.exceptions.Exit, Stopped):
        raise
    except Exception as error:
        if told:
            raise KeyboardInterrupt from error
        raise
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
