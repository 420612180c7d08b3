"""Photos decoded once: a memory-mapped uint8 array of one size, kept under the user's cache folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor

from zoo.core.contracts import Dataset
from zoo.core.errors import BadInput
from zoo.core.files import unwritable
from zoo.harness.data.cache import MEND, cache_folder
from zoo.harness.data.fit import Fit, fitted
from zoo.harness.data.monochrome import is_monochrome

FORMAT_VERSION = 1
Progress = Callable[[int, int], None]
"""Called with (photos done, photos in all)."""

_REPORT_EVERY = 64


class _Facts(msgspec.Struct, frozen=True):
    """What lies beside the pixels, as JSON."""

    names: list[str]
    skipped: list[tuple[str, str]]
    labels: list[int] | None
    monochrome: list[int]
    fingerprint: str


@dataclass(frozen=True)
class PhotoBank:
    """Photos of one size, ready to be moved to a device.

    Attributes:
        pixels: uint8 (n, 3, S, S) RGB. Channels first: a crop of a batch is then gathered three
            times faster than from (n, S, S, 3), and needs no transpose.
        names: one a photo, unique within its source.
        labels: a class number a photo, or None.
        skipped: the photos that could not be used: name and reason.
        monochrome: indices of the photos without colour.
        fingerprint: SHA-256 over pixels, names and labels.
    """

    pixels: np.ndarray
    names: tuple[str, ...]
    labels: tuple[int, ...] | None
    skipped: tuple[tuple[str, str], ...]
    monochrome: tuple[int, ...]
    fingerprint: str

    def __len__(self) -> int:
        return len(self.names)

    @property
    def side(self) -> int:
        return int(self.pixels.shape[-1])

    @property
    def monochrome_names(self) -> tuple[str, ...]:
        return tuple(self.names[i] for i in self.monochrome)

    def tensor(self, device: torch.device | str = "cpu") -> Tensor:
        """The pixels on ``device``; on the CPU they stay memory-mapped."""
        return torch.from_numpy(self.pixels).to(device)

    def colorful_only(self) -> PhotoBank:
        """The bank without its monochrome photos.

        Raises:
            BadInput: there are no others.
        """
        if not self.monochrome:
            return self
        grey = set(self.monochrome)
        return self.take([i for i in range(len(self)) if i not in grey])

    def take(self, indices: Sequence[int]) -> PhotoBank:
        """The photos at ``indices``, in that order, copied into memory.

        Raises:
            BadInput: no index is given.
        """
        if not indices:
            raise BadInput(f"None of the {len(self)} photos is left to use; choose a source of colour photos.")
        kept = {old: new for new, old in enumerate(indices)}
        names = tuple(self.names[i] for i in indices)
        digest = hashlib.sha256(self.fingerprint.encode())
        digest.update("\n".join(names).encode())
        return PhotoBank(
            pixels=np.ascontiguousarray(self.pixels[list(indices)]),
            names=names,
            labels=tuple(self.labels[i] for i in indices) if self.labels else None,
            skipped=self.skipped,
            monochrome=tuple(kept[i] for i in self.monochrome if i in kept),
            fingerprint=digest.hexdigest(),
        )


def build_bank(dataset: Dataset, *, side: int, fit: Fit = "crop", progress: Progress | None = None) -> PhotoBank:
    """The data set as a bank: from the cache when it is there, else decoded now, once.

    Several processes may build the same bank: each writes a folder of its own, and the first to
    finish keeps it.

    Args:
        dataset: ``names`` and ``labels`` are used where it has them; names default to its indices.
        side: S, in pixels.
        fit: ``crop`` brings the short side to S and cuts the middle out; ``stretch`` brings both
            sides to S and ignores the aspect (Gachon's). Lanczos.
        progress: told now and then how far it is.

    Raises:
        BadInput: no photo can be used, an unknown ``fit``, or a cache folder that cannot be written.
        ContractError: the data set yields something other than uint8 (H, W, 3).
    """
    if fit not in ("crop", "stretch"):
        raise BadInput(f"Unknown fit {fit!r}; use crop or stretch.")
    kind = type(dataset)
    identity = f"{FORMAT_VERSION} {kind.__module__}:{kind.__qualname__} {fit} {side} {dataset.fingerprint()}"
    place = cache_folder("banks") / hashlib.sha256(identity.encode()).hexdigest()[:32]
    bank = _open(place)
    if bank is not None:
        return bank
    try:
        temporary = Path(tempfile.mkdtemp(dir=place.parent, prefix=".building-"))
        try:
            _write(temporary, dataset, side, fit, progress)
            bank = _open(temporary)  # a mapped file stays open under its new name
            _move(temporary, place)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise unwritable(place, error, MEND) from error
    if bank is None:
        raise BadInput(f"The cache at {place} cannot be read back after writing; set ZOO_CACHE to another folder.")
    return bank


def _open(place: Path) -> PhotoBank | None:
    try:
        facts = msgspec.json.decode((place / "facts.json").read_bytes(), type=_Facts)
        # Copy-on-write, not "r": torch warns about arrays that cannot be written to. The file is safe.
        pixels = np.load(place / "pixels.npy", mmap_mode="c")
    except (FileNotFoundError, NotADirectoryError, ValueError, msgspec.DecodeError):
        return None
    if len(pixels) != len(facts.names):
        return None
    return PhotoBank(
        pixels=pixels,
        names=tuple(facts.names),
        labels=tuple(facts.labels) if facts.labels is not None else None,
        skipped=tuple(facts.skipped),
        monochrome=tuple(facts.monochrome),
        fingerprint=facts.fingerprint,
    )


def _move(temporary: Path, place: Path) -> None:
    try:
        os.rename(temporary, place)
    except OSError:
        if _open(place) is not None:
            return  # another process was first, with the same pixels
        shutil.rmtree(place)  # a damaged bank
        os.rename(temporary, place)


def _write(folder: Path, dataset: Dataset, side: int, fit: Fit, progress: Progress | None) -> None:
    names = [str(name) for name in getattr(dataset, "names", None) or range(len(dataset))]
    labels: Sequence[int] | None = getattr(dataset, "labels", None)
    kept: list[int] = []
    skipped: list[tuple[str, str]] = []
    monochrome: list[int] = []
    digest = hashlib.sha256()
    with open(folder / "pixels.npy", "wb") as file:
        _write_header(file, 0, side)
        for index, photo in fitted(dataset, side, fit):
            if isinstance(photo, str):
                skipped.append((names[index], photo))
            else:
                if is_monochrome(photo):
                    monochrome.append(len(kept))
                kept.append(index)
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
    facts = _Facts(kept_names, skipped, kept_labels, monochrome, digest.hexdigest())
    (folder / "facts.json").write_bytes(msgspec.json.encode(facts))


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
