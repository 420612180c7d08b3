"""A data set → its bank: from the cache when it is there, else decoded now, once."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from zoo.core.contracts import Dataset
from zoo.core.errors import BadInput
from zoo.core.files import HELD, locked, locked_if_free, unwritable
from zoo.core.photo_files import READER_VERSION, formats, pixel_limit
from zoo.harness.data.bank import SMALLEST_SIDE, Fit, PhotoBank, Progress, open_bank
from zoo.harness.data.content import MEND, cache_folder, remark, root, user

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
    place = cache_folder("banks") / key
    if place == usual and forbidden:
        place = place.with_name(f"{key}-{user()}")
        remark(f"The bank {usual} cannot be read (no permission); it is built anew in {place}.")
    if place != usual:
        bank, _ = _look(place)
    return bank if bank is not None else _built(place, dataset, side, fit, progress, smallest)


def _look(place: Path) -> tuple[PhotoBank | None, bool]:
    """The bank if there is a good one, and whether one is there that may not be read."""
    try:
        return open_bank(place), False
    except PermissionError:
        return None, True


def _built(place: Path, dataset: Dataset, side: int, fit: Fit, progress: Progress | None, smallest: int) -> PhotoBank:
    from zoo.harness.data.decoding import write_bank  # a run finds what its plan has built, and reads no photo

    try:
        _remove_abandoned(place.parent)
        with _own_folder(place.parent) as temporary:
            write_bank(temporary, dataset, side, fit, progress, smallest)
            bank = open_bank(temporary)  # a mapped file stays open under its new name
            _move(temporary, place)
    except OSError as error:
        raise unwritable(place, error, MEND) from error
    if bank is None:
        raise BadInput(f"The cache at {place} cannot be read back after writing; set ZOO_CACHE to another folder.")
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


def _move(temporary: Path, place: Path) -> None:
    try:
        os.rename(temporary, place)
    except OSError:
        if _look(place)[0] is not None:
            return  # another process was first, with the same pixels
        shutil.rmtree(place)  # a damaged bank
        os.rename(temporary, place)
