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

HELD = ".held"
"""Behind the name of the file that takes a lock's place."""


@contextlib.contextmanager
def locked(
    path: Path,
    tell: Callable[[str], None] = lambda sentence: None,
    *,
    waiting: str = "",
    mend: str = "choose another --out",
) -> Iterator[None]:
    """Hold a lock on ``path``; the system lets it go when its holder dies, however it dies.

    A process that the holder forks does not inherit it. On a file system that knows no locks, a file that is there
    while the lock is held (``path`` with ``.held`` behind it) takes its place.

    Args:
        tell: told in a sentence when somebody else holds the lock, and when the file system has none.
        waiting: that first sentence.
        mend: the end of the sentence for a folder that cannot be written.

    Raises:
        BadInput: the folder cannot be written.
    """
    make_folder(path.parent, mend)
    waiting = waiting or f"another process is at work in {path.parent}; waiting for it"

    def wait(lock: BaseFileLock, holder: str) -> None:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            tell(waiting + holder)
            lock.acquire()

    with _held(path, tell, wait, mend):
        yield


@contextlib.contextmanager
def locked_if_free(path: Path, mend: str) -> Iterator[bool]:
    """Hold the lock of :func:`locked` where nobody does, and say whether; the folder is there.

    Raises:
        BadInput: as :func:`locked`.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(_held(path, lambda _: None, lambda lock, _: lock.acquire(timeout=0), mend))
        except Timeout:
            yield False
        else:
            yield True


@contextlib.contextmanager
def _held(
    path: Path, tell: Callable[[str], None], acquire: Callable[[BaseFileLock, str], object], mend: str
) -> Iterator[None]:
    """``acquire`` is told the lock, and what to add to a sentence on who holds it."""
    lock: BaseFileLock = FileLock(path, fallback_to_soft=False, poll_interval=_POLL_SECONDS)
    try:
        acquire(lock, "")
    except Timeout:
        raise
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise unwritable(path, error, mend) from error
        held = path.with_name(path.name + HELD)
        reason = os.strerror(error.errno)
        tell(f"{path.parent} lies on a file system without locks ({reason}); the file {held.name} takes their place")
        lock = SoftFileLock(held, poll_interval=_POLL_SECONDS)
        try:
            acquire(lock, f" (it holds {held})")
        except Timeout:
            raise
        except OSError as refused:
            raise unwritable(held, refused, mend) from refused
    try:
        yield
    finally:
        # What was done under the lock is done, whatever becomes of the lock.
        with contextlib.suppress(OSError):
            lock.release()
