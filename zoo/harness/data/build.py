"""A data set → its bank: from the cache when it is there, else decoded now, once.

What is in the files decides, by content hashes: which bank it is, and a train/test split that names and order cannot
move. In the cache lies what can be computed again.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import platformdirs

from zoo.core.contracts import Dataset
from zoo.core.errors import BadInput
from zoo.core.files import HELD, locked, locked_if_free, make_folder, unwritable, write_whole
from zoo.core.photo_files import READER_VERSION, formats, pixel_limit
from zoo.core.process import usable_cores
from zoo.harness.data.bank import SMALLEST_SIDE, Fit, PhotoBank, Progress, open_bank

TEST_SHARE = 0.2
VALIDATION_SHARE, MOST_TO_VALIDATE, FEWEST_TO_DIVIDE = 0.1, 100, 4
"""Of the training photos; more than so many would cost photos and time, and of fewer than four none is taken."""


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
        seen = list(pool.map(lambda file: _hashed(root, file, known), files))
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


def for_validation(digests: Iterable[str]) -> set[str]:
    """Which contents among those of the training photos are kept for validation, where nobody has said which.

    A tenth, at least one and at most :data:`MOST_TO_VALIDATE`, in the order of a hash of their own, which has nothing
    to do with that of :func:`held_out`.
    """
    distinct = set(digests)
    if len(distinct) < FEWEST_TO_DIVIDE:
        return set()
    count = min(max(1, int(VALIDATION_SHARE * len(distinct))), MOST_TO_VALIDATE)
    return set(sorted(distinct, key=lambda digest: hashlib.sha256(f"validation {digest}".encode()).digest())[:count])


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


def _hashed(root: Path, file: Path, known: dict[str, _Seen]) -> _Seen:
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


FORMAT_VERSION = 2
_BUILDING, _LOCK = ".building-", ".lock"


def build_bank(
    dataset: Dataset,
    *,
    side: int,
    fit: Fit = "crop",
    smallest: int = SMALLEST_SIDE,
    progress: Progress | None = None,
) -> PhotoBank:
    """The data set as a bank.

    A bank in the cache that is damaged, or whose pixels were altered, is built again. Several processes may build
    the same bank: each writes a folder of its own, and the first to finish keeps it. What a killed one left behind
    is removed by the next.

    Args:
        dataset: ``names`` and ``labels`` are used where it has them; names default to its indices.
        side: S, in pixels.
        fit: ``crop`` brings the short side to S and cuts the middle out; ``stretch`` brings both
            sides to S and ignores the aspect (Gachon's). Lanczos.
        smallest: photos with a shorter side are left out.
        progress: told now and then how far it is.

    Raises:
        BadInput: no photo can be used, an unknown ``fit``, or a cache folder that cannot be written.
        ContractError: the data set yields something other than uint8 (H, W, 3).
        Changed: a photo was replaced since the data set was opened.
    """
    if fit not in ("crop", "stretch"):
        raise BadInput(f"Unknown fit {fit!r}; use crop or stretch.")
    kind = type(dataset)
    # How files are read belongs to it: another limit, or a decoder more, and other photos are usable.
    reader = f"{READER_VERSION} {pixel_limit()} {','.join(formats())}"
    identity = f"{FORMAT_VERSION} {kind.__module__}:{kind.__qualname__} {fit} {side} {reader} {dataset.fingerprint()}"
    identity += f" {smallest}" if smallest != SMALLEST_SIDE else ""
    key = hashlib.sha256(identity.encode()).hexdigest()[:32]
    usual = root() / "banks" / key
    # A shared cache that may only be read is read; what is missing in it is built where one may write.
    bank, forbidden = _look(usual)
    if bank is not None:
        return bank
    folder = cache_folder("banks") / key
    if folder == usual and forbidden:
        folder = folder.with_name(f"{key}-{user()}")
        remark(f"The bank {usual} cannot be read (no permission); it is built anew in {folder}.")
    if folder != usual:
        bank, _ = _look(folder)
    return bank if bank is not None else _built(folder, dataset, side, fit, progress, smallest)


def _look(folder: Path) -> tuple[PhotoBank | None, bool]:
    """The bank if there is a good one, and whether one is there that may not be read."""
    try:
        return open_bank(folder), False
    except PermissionError:
        return None, True


def _built(folder: Path, dataset: Dataset, side: int, fit: Fit, progress: Progress | None, smallest: int) -> PhotoBank:
    from zoo.harness.data.decoding import write_bank  # a run finds what its plan has built, and reads no photo

    try:
        _remove_abandoned(folder.parent)
        with _own_folder(folder.parent) as temporary:
            write_bank(temporary, dataset, side, fit, progress, smallest)
            bank = open_bank(temporary)  # a mapped file stays open under its new name
            _move(temporary, folder)
    except OSError as error:
        raise unwritable(folder, error, MEND) from error
    if bank is None:
        raise BadInput(f"The cache at {folder} cannot be read back after writing; set ZOO_CACHE to another folder.")
    return bank


@contextlib.contextmanager
def _own_folder(parent: Path) -> Iterator[Path]:
    """A new folder with the permissions that the umask grants, gone at the end; its lock says that we are alive.

    Not :func:`zoo.core.files.writing_folder`: several may build one bank, and the first to finish keeps it.
    """
    folder = parent / f"{_BUILDING}{secrets.token_hex(6)}"
    try:
        with locked(_lock_of(folder), mend=MEND):
            folder.mkdir()
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _lock_of(folder).unlink(missing_ok=True)


def _remove_abandoned(parent: Path) -> None:
    """Remove what killed builders left: nobody holds the lock of their folder."""
    names = {path.name.removesuffix(HELD).removesuffix(_LOCK) for path in parent.glob(f"{_BUILDING}*")}
    for folder in (parent / name for name in names):
        try:
            with locked_if_free(_lock_of(folder), MEND) as ours:
                if ours:
                    shutil.rmtree(folder, ignore_errors=True)
        except BadInput:
            continue  # another user's
        if ours:
            with contextlib.suppress(OSError):
                _lock_of(folder).unlink()


def _lock_of(folder: Path) -> Path:
    return folder.with_name(folder.name + _LOCK)


def _move(temporary: Path, folder: Path) -> None:
    try:
        os.rename(temporary, folder)
    except OSError:
        if _look(folder)[0] is not None:
            return  # another process was first, with the same pixels
        shutil.rmtree(folder)  # a damaged bank
        os.rename(temporary, folder)
