"""The one way to write a file or folder: whole, or not there at all; the one sentence for what cannot be; the locks by
which processes wait for each other; and CSV.

A spreadsheet may open our CSV: a text is never taken for a formula there, and is read back exactly. A cell that begins
with ``=``, ``+``, ``-``, ``@``, a tab or a line end is run by spreadsheets (OWASP, "CSV Injection"), and names of
models, photos and errors are other people's. Such a text is written with an apostrophe before it, unless it is a plain
number; one that begins like that already gets one more, so that nothing is lost.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import hashlib
import io
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from zoo.core.errors import BadInput

_PART = ".part"
_CANNOT_SYNC = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


@contextlib.contextmanager
def writing(path: Path, mend: str = "choose another folder") -> Iterator[Path]:
    """A temporary file beside ``path`` to write into, which becomes ``path`` when the block ends well.

    Readers see the old file or the new one, however many processes write it and whenever the machine stops: the bytes
    reach the disk before the name does. The temporary name is short whatever ``path`` is called, the file has the
    permissions that the umask grants, and it is removed when anything goes wrong. A symbolic link at ``path`` is
    replaced, not followed: what it points to is somebody else's.

    Raises:
        BadInput: the folder cannot be written, or the disk is full; the sentence ends in ``mend``.
    """
    part = _part_beside(path)
    try:
        try:
            yield part
            sync(part)
            os.replace(part, path)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink()
            raise
    except OSError as error:
        raise unwritable(path, error, mend) from error


def write_whole(path: Path, content: str | bytes, mend: str = "choose another folder") -> None:
    """Write a file by :func:`writing`; text as UTF-8, where what no encoding knows is spelt out (``\\udce9``).

    Raises:
        BadInput: as :func:`writing`.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    with writing(path, mend) as part:
        part.write_bytes(data)


@contextlib.contextmanager
def writing_folder(path: Path, mend: str = "choose another folder") -> Iterator[Path]:
    """A new folder beside ``path``, which is not there, to fill; it becomes ``path`` when the block ends well.

    Raises:
        BadInput: as :func:`writing`.
    """
    part = _part_beside(path)
    try:
        try:
            part.mkdir()
            yield part
            os.rename(part, path)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise unwritable(path, error, mend) from error


def make_folder(path: Path, mend: str = "choose another folder") -> Path:
    """The folder, made with its parents where it is not there yet.

    Raises:
        BadInput: it cannot be made; the sentence ends in ``mend``.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error, mend) from error
    return path


def make_writable_folder(path: Path, mend: str = "choose another folder") -> Path:
    """The folder as by :func:`make_folder`, with a file tried in it: permissions alone do not tell.

    Raises:
        BadInput: it cannot be made or written; the sentence ends in ``mend``.
    """
    tried = _part_beside(make_folder(path, mend) / "file")
    try:
        tried.touch()
    except OSError as error:
        raise unwritable(path, error, mend) from error
    finally:
        with contextlib.suppress(OSError):
            tried.unlink()
    return path


def unwritable(path: Path, error: OSError, mend: str = "choose another folder") -> BadInput:
    """The sentence for a file or folder that cannot be made or written."""
    return BadInput(f"{path} cannot be written: {error.strerror or error or type(error).__name__}; {mend}.")


def sha256_of(file: Path) -> str:
    """The hex digits of a file's SHA-256. Raises OSError."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _part_beside(path: Path) -> Path:
    return path.with_name(f".{secrets.token_hex(6)}{_PART}")


def remove_folder(path: Path) -> None:
    """Remove a folder so that a removal that is killed halfway leaves nothing that passes for it.

    Raises:
        OSError: it cannot be removed.
    """
    gone = path.with_name(f".removed-{path.name}")
    path.rename(gone)
    shutil.rmtree(gone)


def remove_parts(folder: Path) -> None:
    """Remove the temporary files that killed writers left in ``folder``; for whoever holds the folder's lock."""
    for part in folder.glob(f".*{_PART}"):
        with contextlib.suppress(OSError):
            part.unlink()


def sync(file: Path) -> None:
    """Wait until the bytes are on the disk; without it a crash may leave a new name over an empty file."""
    with file.open("rb+") as opened:
        try:
            os.fsync(opened.fileno())
        except OSError as error:
            if error.errno not in _CANNOT_SYNC:  # some file systems know no such thing
                raise


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


def is_locked(path: Path) -> bool:
    """Whether somebody holds the lock of :func:`locked`; only looks, and writes nothing."""
    if path.with_name(path.name + HELD).exists():
        return True
    try:
        import fcntl
    except ImportError:
        return path.exists()  # the system removes it when it is let go
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # no such file, or no locks there
    return False


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


LONGEST = 32_000
"""Characters of a cell; a spreadsheet holds 32,767, and a reader refuses 131,072."""

_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def csv_text(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV with ``\\n`` line ends; None is an empty cell, and what is longer than :data:`LONGEST` is cut."""
    lines = [columns, *([row.get(column) for column in columns] for row in rows)]
    return "".join(",".join(_quoted(escaped(value)) for value in line) + "\n" for line in lines)


def read_csv(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The columns, and the rows by them, as :func:`read_csv_lines`, which raises what this raises."""
    columns, cells = read_csv_lines(path)
    return columns, [dict(zip(columns, line, strict=True)) for line in cells]


def read_csv_lines(path: Path) -> tuple[list[str], list[list[str]]]:
    """The columns, and the rows' cells in their order; every cell is the text that was written.

    Raises:
        OSError, ValueError: it cannot be read; it is empty, or a row is longer or shorter than the header.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            text = file.read()
        lines = [line for line in csv.reader(io.StringIO(text, newline="")) if line]
        if "'" in text:
            lines = [[plain(cell) for cell in line] for line in lines]
    except csv.Error as error:
        raise ValueError(str(error)) from None
    if not lines:
        raise ValueError("it is empty")
    columns, *cells = lines
    if len(set(columns)) != len(columns):
        raise ValueError("two columns have one name")
    odd = next((number for number, line in enumerate(cells, 2) if len(line) != len(columns)), None)
    if odd is not None:
        raise ValueError(f"row {odd} has {len(cells[odd - 2])} cells, not {len(columns)}")
    return columns, cells


def escaped(value: Any) -> str:
    """A value as a cell."""
    text = "" if value is None else str(value)
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "…"
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def _quoted(cell: str) -> str:
    """As the csv module does, which leaves a lone ``\\r`` bare where lines end in ``\\n``: it ends a line as well."""
    return '"' + cell.replace('"', '""') + '"' if any(c in cell for c in ',"\r\n') else cell


def plain(cell: str) -> str:
    """A cell as it was before :func:`escaped`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def number(cell: str) -> float:
    """A cell as a finite number, NaN where it is empty.

    Raises:
        ValueError: it is not a number, or not finite.
    """
    value = float(cell) if cell else float("nan")
    if cell and not abs(value) < float("inf"):
        raise ValueError(f"{cell!r} is not a finite number")
    return value
