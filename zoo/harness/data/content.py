"""Files by what is in them: content hashes, and a train/test split that names and order cannot move."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from zoo.core.files import write_whole
from zoo.core.process import usable_cores
from zoo.harness.data.cache import MEND, cache_folder

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
