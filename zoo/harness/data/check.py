"""A look at a source before anything is trained on it: what is damaged, grey, tiny, or there twice."""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

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


class Resemblance(NamedTuple):
    """Two photos of two splits that look alike, mirrored or not: in how many bits they differ, and which splits."""

    photo: str
    other: str
    bits: int
    splits: tuple[str, str]


@dataclass
class Report:
    """What :func:`inspect` found. Names are the data set's."""

    photos: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    tiny: list[str] = field(default_factory=list)
    monochrome: list[str] = field(default_factory=list)
    duplicates: list[list[str]] = field(default_factory=list)
    """Groups of photos with the very same pixels."""
    near_duplicates: list[Resemblance] = field(default_factory=list)
    shared_originals: list[tuple[str, list[str]]] = field(default_factory=list)
    """A photograph, and photos of different splits that were cut from it, where the data set says so."""
    names: dict[str, list[str]] = field(default_factory=dict)
    """The usable photos of each split."""
    notes: list[str] = field(default_factory=list)
    """A sentence each for what was not taken, converted or assumed."""

    @property
    def clean(self) -> bool:
        """Nothing to mend: every photo is used, and each split is of other photographs."""
        return not (self.unreadable or self.tiny or self.near_duplicates or self.duplicates or self.shared_originals)

    @property
    def usable(self) -> int:
        return self.photos - len(self.unreadable) - len(self.tiny)


def inspect(splits: Mapping[str, Dataset]) -> Report:
    """Decode every photo of a source once and report.

    Photos with the same pixels are listed under ``duplicates``, and across the splits under
    ``near_duplicates`` (0 bits) as well, since that is a leak.

    Args:
        splits: by their names, in the order in which what they hold is used.
    """
    report = Report()
    same: dict[bytes, list[str]] = defaultdict(list)
    noted: list[tuple[str, str]] = []
    looks = {split: _look(dataset, report, same, noted) for split, dataset in splits.items()}
    report.names = {split: look.names for split, look in looks.items()}
    for (first, seen), (second, held_out) in itertools.combinations(looks.items(), 2):
        bits = np.minimum(hamming(seen.hashes, held_out.hashes), hamming(seen.hashes, held_out.mirrored))
        for i, j in np.argwhere(bits <= NEAR_BITS):
            report.near_duplicates.append(
                Resemblance(seen.names[i], held_out.names[j], int(bits[i, j]), (first, second))
            )
    report.shared_originals = _shared(splits)
    report.duplicates = [group for group in same.values() if len(group) > 1]
    of_sources = itertools.chain.from_iterable(getattr(dataset, "notes", ()) for dataset in splits.values())
    report.notes = list(dict.fromkeys((*of_sources, *remarks(noted), *build.remarks())))
    return report


def _shared(splits: Mapping[str, Dataset]) -> list[tuple[str, list[str]]]:
    """The originals that photos of more than one split were cut from, where the data set names them."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for split, dataset in splits.items():
        originals = getattr(dataset, "originals", None) or ()
        for name, original in zip(getattr(dataset, "names", ()), originals, strict=False):
            found[original][split].append(str(name))
    return [(original, [*itertools.chain(*of.values())]) for original, of in found.items() if len(of) > 1]


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


class _Look(NamedTuple):
    """The usable photos' names, their hashes, and the hashes of their mirror images."""

    names: list[str]
    hashes: list[np.ndarray]
    mirrored: list[np.ndarray]


def _look(dataset: Any, report: Report, same: dict[bytes, list[str]], noted: list[tuple[str, str]]) -> _Look:
    all_names = getattr(dataset, "names", None) or range(len(dataset))
    look = _Look([], [], [])
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
        look.names.append(name)
        look.hashes.append(dhash(photo))
        look.mirrored.append(dhash(np.ascontiguousarray(photo[:, ::-1])))
    return look
