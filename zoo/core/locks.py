"""Locks between processes: a file that one holds while the others wait."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from zoo.core.files import make_folder, unwritable

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""What ``flock`` answers where the file system has none: some network and user-space file systems."""
_POLL_SECONDS = 0.2


@contextlib.contextmanager
def locked(path: Path, tell: Callable[[str], None] = lambda sentence: None, *, waiting: str = "") -> Iterator[None]:
    """Hold a lock on ``path``; the system lets it go when its holder dies, however it dies.

    A process that the holder forks does not inherit it. On a file system that knows no locks, a file that is there
    while the lock is held (``path`` with ``.held`` behind it) takes its place.

    Args:
        tell: told in a sentence when somebody else holds the lock, and when the file system has none.
        waiting: that first sentence.

    Raises:
        BadInput: the folder cannot be written.
    """
    mend = "choose another --out"
    make_folder(path.parent, mend)
    waiting = waiting or f"another process is at work in {path.parent}; waiting for it"
    try:
        lock = _acquired(FileLock(path, fallback_to_soft=False, poll_interval=_POLL_SECONDS), tell, waiting)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise unwritable(path, error, mend) from error
        held = path.with_name(path.name + ".held")
        reason = os.strerror(error.errno)
        tell(f"{path.parent} lies on a file system without locks ({reason}); the file {held.name} takes their place")
        try:
            lock = _acquired(SoftFileLock(held, poll_interval=_POLL_SECONDS), tell, f"{waiting} (it holds {held})")
        except OSError as refused:
            raise unwritable(held, refused, mend) from refused
    try:
        yield
    finally:
        # What was done under the lock is done, whatever becomes of the lock.
        with contextlib.suppress(OSError):
            lock.release()


def _acquired(lock: BaseFileLock, tell: Callable[[str], None], waiting: str) -> BaseFileLock:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        tell(waiting)
        lock.acquire()
    return lock
