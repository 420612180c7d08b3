"""Files by what is in them: content hashes, and a train/test split that names and order cannot move.

Where things that can be computed again are kept.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import platformdirs

from zoo.core.errors import BadInput
from zoo.core.files import make_folder, write_whole
from zoo.core.process import usable_cores

TEST_SHARE = 0.2


class _Seen(msgspec.Struct, array_like=True):
    """A file as it was when it was last hashed.

    ``changed_ns`` (the inode's) moves with every write, also where a copy keeps ``modified_ns`` and ``size``.
    """

    modified_ns: int
    changed_ns: int
    inode: int
    size: int
    digest: str


def content_digest(data: bytes) -> str:
    """What :func:`content_digests` gives for a file that holds ``data``."""
    return hashlib.sha256(data).hexdigest()


def content_digests(root: Path, files: Sequence[Path]) -> list[str]:
    """The SHA-256 of each file's bytes, as hex.

    Kept in the cache folder per ``root`` and re-used while a file's times, inode and size stay, so that
    50 000 photos are read once and not at every start. A file that cannot be read gets
    :func:`unreadable_digest`: whoever decodes it reports it.
    """
    key = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:32]
    store = cache_folder("digests") / f"{key}.json"
    known = _read(store)
    with ThreadPoolExecutor(min(8, usable_cores())) as pool:
        seen = list(pool.map(lambda file: _look(root, file, known), files))
    fresh = {_key(root, file): entry for file, entry in zip(files, seen, strict=True) if entry.modified_ns >= 0}
    if any(known.get(name) != entry for name, entry in fresh.items()):
        write_whole(store, msgspec.json.encode(known | fresh), MEND)
    return [entry.digest for entry in seen]


def held_out(digests: Iterable[str]) -> set[str]:
    """Which contents are test photos: a digest in the lowest fifth of its range.

    Whether a photo is on the test side does not depend on the other photos, except in sets so
    small that a side would be empty: then the photo nearest to the border changes sides (a single
    photo is for training).
    """
    ordered = sorted(set(digests))
    border = f"{int(TEST_SHARE * 16**16):016x}"
    test = {digest for digest in ordered if digest < border}
    if not test and len(ordered) > 1:
        return {ordered[0]}
    if len(test) == len(ordered):
        return test - {ordered[-1]}
    return test


def _key(root: Path, file: Path) -> str:
    return os.fsencode(file.relative_to(root)).decode("utf-8", "backslashreplace")


def _read(store: Path) -> dict[str, _Seen]:
    try:
        return msgspec.json.decode(store.read_bytes(), type=dict[str, _Seen])
    except (OSError, msgspec.DecodeError):
        return {}  # never written, not readable, or by another version: everything is hashed anew


def unreadable_digest(root: Path, file: Path) -> str:
    """The digest of a file that cannot be read: it follows the name."""
    return hashlib.sha256(f"unreadable {_key(root, file)}".encode()).hexdigest()


def _look(root: Path, file: Path, known: dict[str, _Seen]) -> _Seen:
    before = known.get(_key(root, file))
    try:
        with open(file, "rb") as stream:
            status = os.fstat(stream.fileno())
            stamp = (status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size)
            if before and (before.modified_ns, before.changed_ns, before.inode, before.size) == stamp:
                return before
            return _Seen(*stamp, hashlib.file_digest(stream, "sha256").hexdigest())
    except OSError:
        return _Seen(-1, 0, 0, 0, unreadable_digest(root, file))


VARIABLE = "ZOO_CACHE"
MEND = f"set {VARIABLE} to another folder"
"""The end of the sentence for a cache that cannot be written."""

_remarks: dict[str, None] = {}


def root() -> Path:
    """``$ZOO_CACHE``, else the user's cache folder for colorizer-zoo. It may not be there, or not be ours."""
    return Path(os.environ.get(VARIABLE) or platformdirs.user_cache_dir("colorizer-zoo")).expanduser()


def cache_folder(*parts: str) -> Path:
    """The folder ``parts`` of the cache, created, to write into.

    Where another user's cache may not be written, a folder of one's own in the system's temporary folder takes
    its place, and :func:`remarks` says so.

    Raises:
        BadInput: the folder cannot be made for another reason: a file is in its place, or the disk is full; or that
            folder of one's own is somebody else's.
    """
    folder = root().joinpath(*parts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            return folder
    except PermissionError:
        pass
    except OSError:
        return make_folder(folder, MEND)  # says what is wrong
    own = Path(tempfile.gettempdir()) / f"colorizer-zoo-{user()}"
    make_folder(own, MEND)
    if hasattr(os, "getuid") and own.stat().st_uid != os.getuid():  # anybody can make a folder of that name there
        raise BadInput(f"The cache at {root()} cannot be used, and {own} belongs to another user; {MEND}.")
    remark(f"The cache at {root()} cannot be used (no permission); what is missing is built anew in {own}.")
    return make_folder(own.joinpath(*parts), MEND)


def user() -> str:
    """The user's name, or another word that can be part of a file's name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "other"


def remark(sentence: str) -> None:
    """Something that a person should know about the cache, once."""
    _remarks[sentence] = None


def remarks() -> tuple[str, ...]:
    """What was remarked in this process."""
    return tuple(_remarks)
