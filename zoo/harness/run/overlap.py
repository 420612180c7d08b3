"""Was a test photo seen in training? A look at the banks before a bench, by perceptual hash."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo.harness.data.bank import PhotoBank
from zoo.harness.data.check import NEAR_BITS, dhash, hamming
from zoo.harness.run.reporter import Reporter

MOST_PHOTOS = 20_000
"""A bench looks at no more; a hash takes a third of a millisecond, and ``zoo data check`` looks at all."""

_BLOCK = 4096


def tell_overlap(
    train: PhotoBank, held_out: Mapping[str, PhotoBank | None], reporter: Reporter, *, shown: int = 5
) -> dict[str, int]:
    """Note the photos of each split held out that training photos resemble, or that nobody looked.

    Returns:
        How many there are of each split.
    """
    banks = {split: bank for split, bank in held_out.items() if bank is not None}
    if len(train) + sum(map(len, banks.values())) > MOST_PHOTOS:
        reporter.note("too many photos to look for test photos among them here; zoo data check does")
        return {}
    alike = {split: overlap(train, bank) for split, bank in banks.items()}
    for split, found in alike.items():
        for name, train_name in list(found.items())[:shown]:
            reporter.note(f"{split}: {name} resembles {train_name} of the training photos")
        if len(found) > shown:
            reporter.note(f"{split}: {len(found)} photos resemble training photos; zoo data check names them")
    return {split: len(found) for split, found in alike.items()}


def overlap(train: PhotoBank, test: PhotoBank) -> dict[str, str]:
    """Each test photo that a training photo resembles (mirrored or not), and the nearest such photo.

    Args:
        train, test: uint8 (n, 3, S, S) each; the sides may differ.
    """
    hashes = [_hash(photo) for photo in train.pixels]
    found: dict[str, str] = {}
    for start in range(0, len(test), _BLOCK):
        photos = test.pixels[start : start + _BLOCK]
        as_is, mirrored = [_hash(photo) for photo in photos], [_hash(photo[..., ::-1]) for photo in photos]
        bits = np.minimum(hamming(hashes, as_is), hamming(hashes, mirrored))
        for i in np.flatnonzero(bits.min(axis=0) <= NEAR_BITS):
            found[test.names[start + i]] = train.names[int(bits[:, i].argmin())]
    return found


def _hash(planes: np.ndarray) -> np.ndarray:
    return dhash(np.ascontiguousarray(planes.transpose(1, 2, 0)))
