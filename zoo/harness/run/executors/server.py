"""The server that runs are forked from: started once, wherever temporary files lie and whatever is typed meanwhile.

multiprocessing's forkserver, and not a pool of ``concurrent.futures``: that breaks wholly when one worker is killed,
and a run has a process of its own, whose memory and random state no other run has touched.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo.core.errors import Unavailable

STOPPING = frozenset(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""The signals that ask a bench or a run to stop: Ctrl-C, ``kill``, and a terminal that is gone."""

PRELOAD = "zoo.harness.run.executors.preload"
_LONGEST_FOLDER = 60
"""Bytes. A socket's whole path has at most 107 (unix(7)), 103 on macOS; multiprocessing adds about 35."""
_SHORT_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")


def start_server() -> Any:
    """The context whose processes come from the server, which is at work when this returns.

    Raises:
        Unavailable: the system cannot fork, as Windows cannot.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        raise Unavailable("Training needs a system that forks processes: Linux, macOS, or Windows' own Linux (WSL).")
    from multiprocessing import forkserver, resource_tracker, util

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([PRELOAD])
    with _short_names():
        util.get_temp_dir()  # chosen once, and kept for the life of the process
    # What stops a bench reaches its helpers too: the terminal and the service manager tell all of a group. They would
    # end in tracebacks, and leave nobody to wait for the runs. So they inherit the mask, which each run takes off;
    # they end when the bench does.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        resource_tracker.ensure_running()
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)  # the tracker's start takes SIGINT and SIGTERM off it
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return context


@contextlib.contextmanager
def _short_names() -> Iterator[None]:
    """Temporary files in a folder with a short name, where the usual one's is too long for a socket."""
    before = tempfile.tempdir
    if len(os.fsencode(tempfile.gettempdir())) > _LONGEST_FOLDER:
        usable = (folder for folder in _SHORT_FOLDERS if Path(folder).is_dir() and os.access(folder, os.W_OK))
        tempfile.tempdir = next(usable, before)
    try:
        yield
    finally:
        tempfile.tempdir = before
