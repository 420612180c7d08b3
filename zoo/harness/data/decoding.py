"""A data set decoded into a folder, once: the bank that runs open from then on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from zoo.core.contracts import Dataset
from zoo.core.errors import BadInput
from zoo.core.files import sync
from zoo.harness.data.bank import SMALLEST_SIDE, Facts, Fit, Progress
from zoo.harness.data.fit import fitted
from zoo.harness.data.monochrome import is_monochrome

_REPORT_EVERY = 64


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
    facts = Facts(kept_names, skipped, kept_labels, monochrome, notes, digest.hexdigest())
    (folder / "facts.json").write_bytes(msgspec.json.encode(facts.sealed()))
    sync(folder / "pixels.npy")
    sync(folder / "facts.json")


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
