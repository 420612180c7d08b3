"""A bank as it lies in the cache: ``pixels.npy``, a plain array, and ``facts.json``; both are verified when opened."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from zoo.core.contracts import Dataset
from zoo.core.errors import BadInput
from zoo.core.files import sync
from zoo.harness.data.bank import PhotoBank
from zoo.harness.data.fit import SMALLEST_SIDE, Fit, fitted
from zoo.harness.data.monochrome import is_monochrome

Progress = Callable[[int, int], None]
"""Called with (photos done, photos in all)."""

_REPORT_EVERY = 64
_HASHED_AT_ONCE = 256
_verified: set[tuple[Any, ...]] = set()


class _Facts(msgspec.Struct, frozen=True):
    """What lies beside the pixels, as JSON. ``seal`` is a SHA-256 over everything else."""

    names: list[str]
    skipped: list[tuple[str, str]]
    labels: list[int] | None
    monochrome: list[int]
    notes: list[tuple[str, str]]
    fingerprint: str
    seal: str = ""

    def sealed(self) -> _Facts:
        unsealed = msgspec.structs.replace(self, seal="")
        return msgspec.structs.replace(self, seal=hashlib.sha256(msgspec.json.encode(unsealed)).hexdigest())


def open_bank(place: Path) -> PhotoBank | None:
    """The bank in a folder, or None: it is not there, damaged, or its pixels are not those that were written.

    The pixels are hashed once in a process (and again when the file has changed since).

    Raises:
        PermissionError: it is there and may not be read.
    """
    try:
        facts = msgspec.json.decode((place / "facts.json").read_bytes(), type=_Facts)
        # Copy-on-write, not "r": torch warns about arrays that cannot be written to. The file is safe.
        pixels = np.load(place / "pixels.npy", mmap_mode="c", allow_pickle=False)
    except PermissionError:
        raise
    except (OSError, EOFError, ValueError, SyntaxError, msgspec.DecodeError):
        return None
    if (
        pixels.ndim != 4
        or pixels.dtype != np.uint8
        or len(pixels) != len(facts.names)
        or not _is_whole(place, pixels, facts)
    ):
        return None
    return PhotoBank(
        pixels=pixels,
        names=tuple(facts.names),
        labels=tuple(facts.labels) if facts.labels is not None else None,
        skipped=tuple(facts.skipped),
        monochrome=tuple(facts.monochrome),
        fingerprint=facts.fingerprint,
        notes=tuple(facts.notes),
    )


def write_bank(
    folder: Path,
    dataset: Dataset,
    side: int,
    fit: Fit,
    progress: Progress | None,
    smallest: int = SMALLEST_SIDE,
) -> None:
    """Decode a data set into an empty folder; its bytes are on the disk when this returns.

    As a stream, not into ``np.lib.format.open_memmap``: how many photos are usable is known at the end only, and a
    full disk is an error here, where a mapped file would end the process.

    Raises:
        BadInput: no photo can be used.
        Changed: a photo was replaced meanwhile.
        OSError: the disk is full.
    """
    names = [str(name) for name in getattr(dataset, "names", None) or range(len(dataset))]
    labels: Sequence[int] | None = getattr(dataset, "labels", None)
    kept: list[int] = []
    skipped: list[tuple[str, str]] = []
    monochrome: list[int] = []
    notes: list[tuple[str, str]] = []
    digest = hashlib.sha256()
    with open(folder / "pixels.npy", "wb") as file:
        _write_header(file, 0, side)
        for index, photo, reason, said in fitted(dataset, side, fit, smallest):
            if photo is None:
                skipped.append((names[index], reason))
            else:
                if is_monochrome(photo):
                    monochrome.append(len(kept))
                kept.append(index)
                notes += [(names[index], note) for note in said]
                planes = photo.transpose(2, 0, 1).tobytes()
                digest.update(planes)
                file.write(planes)
            if progress and ((index + 1) % _REPORT_EVERY == 0 or index + 1 == len(dataset)):
                progress(index + 1, len(dataset))
        file.seek(0)
        _write_header(file, len(kept), side)
    if not kept:
        raise BadInput(_nothing_usable(skipped))
    kept_labels = [int(labels[i]) for i in kept] if labels is not None else None
    kept_names = [names[i] for i in kept]
    digest.update(msgspec.json.encode([kept_names, kept_labels]))
    facts = _Facts(kept_names, skipped, kept_labels, monochrome, notes, digest.hexdigest())
    (folder / "facts.json").write_bytes(msgspec.json.encode(facts.sealed()))
    sync(folder / "pixels.npy")
    sync(folder / "facts.json")


def _is_whole(place: Path, pixels: np.ndarray, facts: _Facts) -> bool:
    if facts.sealed() != facts:
        return False
    status = os.stat(place / "pixels.npy")
    stamp = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, facts.seal)
    if stamp in _verified:
        return True
    if _hash(pixels, facts) != facts.fingerprint:
        return False
    _verified.add(stamp)
    return True


def _hash(pixels: np.ndarray, facts: _Facts) -> str:
    digest = hashlib.sha256()
    for start in range(0, len(pixels), _HASHED_AT_ONCE):
        digest.update(pixels[start : start + _HASHED_AT_ONCE].tobytes())
    digest.update(msgspec.json.encode([facts.names, facts.labels]))
    return digest.hexdigest()


def _write_header(file: Any, count: int, side: int) -> None:
    """numpy pads headers so that the first axis can grow in place, which is what is done here."""
    shape = (count, 3, side, side)
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


def _nothing_usable(skipped: list[tuple[str, str]]) -> str:
    if not skipped:
        return "The data set is empty; choose another source."
    name, reason = skipped[0]
    shown = reason if name in reason else f"{name}: {reason}"
    return f"None of the {len(skipped)} photos can be used, the first because of: {shown}"
