"""A look at a source before anything is trained on it: what is damaged, grey, tiny, or there twice."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from zoo.core.contracts import Dataset
from zoo.core.errors import BadInput
from zoo.harness.data import build
from zoo.harness.data.bank import SMALLEST_SIDE, remarks
from zoo.harness.data.fit import read_with_notes
from zoo.harness.data.monochrome import is_monochrome

NEAR_BITS = 6
"""Photos whose 64-bit dHashes differ in at most so many bits are near-duplicates."""


@dataclass
class Report:
    """What :func:`inspect` found. Names are the data set's; those of the test split are in ``test_names``."""

    photos: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    tiny: list[str] = field(default_factory=list)
    monochrome: list[str] = field(default_factory=list)
    duplicates: list[list[str]] = field(default_factory=list)
    """Groups of photos with the very same pixels."""
    near_duplicates: list[tuple[str, str, int]] = field(default_factory=list)
    """A training photo, the test photo it resembles (mirrored or not), and in how many bits they differ."""
    test_names: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """A sentence each for what was not taken, converted or assumed."""

    @property
    def clean(self) -> bool:
        """Nothing to mend: every photo is used, and no test photo was seen in training."""
        return not (self.unreadable or self.tiny or self.near_duplicates or self.duplicates)

    @property
    def usable(self) -> int:
        return self.photos - len(self.unreadable) - len(self.tiny)


def inspect(train: Dataset, test: Dataset | None = None) -> Report:
    """Decode every photo of a source once and report.

    Photos with the same pixels are listed under ``duplicates``, and across the splits under
    ``near_duplicates`` (0 bits) as well, since that is a leak.
    """
    report = Report()
    same: dict[bytes, list[str]] = defaultdict(list)
    noted: list[tuple[str, str]] = []
    names, hashes, _ = _look(train, report, same, noted)
    if test is not None:
        test_names, test_hashes, mirrored = _look(test, report, same, noted)
        report.test_names = test_names
        bits = np.minimum(hamming(hashes, test_hashes), hamming(hashes, mirrored))
        for i, j in np.argwhere(bits <= NEAR_BITS):
            report.near_duplicates.append((names[i], test_names[j], int(bits[i, j])))
    report.duplicates = [group for group in same.values() if len(group) > 1]
    of_sources = (*getattr(train, "notes", ()), *getattr(test, "notes", ()))
    report.notes = list(dict.fromkeys((*of_sources, *remarks(noted), *build.remarks())))
    return report


def dhash(rgb: np.ndarray) -> np.ndarray:
    """The difference hash: of 9×8 grey means, which are darker than their right neighbour. bool (64,)."""
    grey = Image.fromarray(rgb).convert("L").resize((9, 8), Image.Resampling.BOX)
    levels = np.asarray(grey, dtype=np.int16)
    return (levels[:, :-1] < levels[:, 1:]).reshape(-1)


def hamming(left: Sequence[np.ndarray], right: Sequence[np.ndarray]) -> np.ndarray:
    """In how many bits each of ``left`` differs from each of ``right``: (len(left), len(right))."""
    a = np.asarray(left, dtype=np.float32).reshape(-1, 64)
    b = np.asarray(right, dtype=np.float32).reshape(-1, 64)
    return (a @ (1 - b).T + (1 - a) @ b.T).astype(np.int64)


def _look(
    dataset: Any, report: Report, same: dict[bytes, list[str]], noted: list[tuple[str, str]]
) -> tuple[list[str], list[np.ndarray], list[np.ndarray]]:
    """The usable photos' names, their hashes, and the hashes of their mirror images."""
    all_names = getattr(dataset, "names", None) or range(len(dataset))
    names: list[str] = []
    hashes: list[np.ndarray] = []
    mirrored: list[np.ndarray] = []
    for index, name in enumerate(map(str, all_names)):
        report.photos += 1
        try:
            photo, notes = read_with_notes(dataset, index)
        except (BadInput, OSError) as error:
            report.unreadable.append((name, str(error)))
            continue
        noted += [(name, note) for note in notes]
        if min(photo.shape[:2]) < SMALLEST_SIDE:
            report.tiny.append(name)
            continue
        if is_monochrome(photo):
            report.monochrome.append(name)
        same[hashlib.sha256(f"{photo.shape}".encode() + photo.tobytes()).digest()].append(name)
        names.append(name)
        hashes.append(dhash(photo))
        mirrored.append(dhash(np.ascontiguousarray(photo[:, ::-1])))
    return names, hashes, mirrored
