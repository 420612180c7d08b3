"""Photos decoded once: a memory-mapped uint8 array of one size, kept under the user's cache folder.

It lies there as ``pixels.npy``, a plain array, and ``facts.json``; both are verified when opened. Whole batches are cut
out of it by index arithmetic, on whatever device it lies.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.core.errors import BadInput

Fit = Literal["crop", "stretch"]
"""``crop``: the short side to the bank's, the middle cut out. ``stretch``: both sides, aspect ignored."""

SMALLEST_SIDE = 16
"""Photos with a shorter side are skipped as too small (a 1×5000 one included); others are enlarged."""


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
        notes: what was converted or assumed in reading a photo: name and note.
    """

    pixels: np.ndarray
    names: tuple[str, ...]
    labels: tuple[int, ...] | None
    skipped: tuple[tuple[str, str], ...]
    monochrome: tuple[int, ...]
    fingerprint: str
    notes: tuple[tuple[str, str], ...] = ()

    @classmethod
    def empty(cls, side: int) -> PhotoBank:
        """No photos, where none are needed."""
        return cls(np.empty((0, 3, side, side), np.uint8), (), None, (), (), "")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def side(self) -> int:
        return int(self.pixels.shape[-1])

    @property
    def monochrome_names(self) -> tuple[str, ...]:
        return tuple(self.names[i] for i in self.monochrome)

    @property
    def remarks(self) -> tuple[str, ...]:
        """The notes, a sentence for each that differs, with the photos it is about."""
        return remarks(self.notes)

    def tensor(self, device: torch.device | str = "cpu") -> Tensor:
        """The pixels on ``device``; on the CPU they stay memory-mapped."""
        return torch.from_numpy(self.pixels).to(device)

    def colourful_only(self) -> PhotoBank:
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
            notes=tuple((name, note) for name, note in self.notes if name in set(names)),
        )


def remarks(notes: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Names and notes → a sentence for each note that differs, with the photos it is about."""
    about: dict[str, list[str]] = defaultdict(list)
    for name, note in notes:
        about[note].append(name)
    return tuple(f"{_listed(names)}: {note}." for note, names in about.items())


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    return names[0] if len(names) == 1 else f"{len(names)} photos ({shown})"


def crop(pixels: Tensor, index: Tensor, top: Tensor, left: Tensor, flip: Tensor, size: int) -> Tensor:
    """Windows of the photos at ``index``, mirrored where ``flip``.

    Args:
        pixels: uint8 (n, 3, S, S).
        index, top, left: int64 (N,), on the device of ``pixels``.
        flip: (N,), non-zero where the window is mirrored left to right.
        size: the window's side, at most S.

    Returns:
        uint8 (N, 3, size, size).
    """
    side = pixels.shape[-1]
    steps = torch.arange(size, device=pixels.device)
    columns = left[:, None] + torch.where(flip.bool()[:, None], size - 1 - steps, steps)
    rows = top[:, None] + steps
    position = (rows[:, :, None] * side + columns[:, None, :]).view(-1, 1, size * size)
    photos = pixels[index].view(-1, 3, side * side)
    return photos.gather(2, position.expand(-1, 3, -1)).view(-1, 3, size, size)


def centre(pixels: Tensor, index: Tensor, size: int) -> Tensor:
    """The middle of the photos at ``index``: uint8 (N, 3, size, size)."""
    start = (pixels.shape[-1] - size) // 2
    return pixels[index, :, start : start + size, start : start + size]


def reduced(photos: Tensor, side: int) -> Tensor:
    """uint8 (N, 3, S, S) brought to (N, 3, side, side), bicubically and antialiased; of that side as they are.

    A bank is reduced by Pillow's Lanczos, which torch does not have: their bicubic filters are the same.
    """
    if photos.shape[-1] == side:
        return photos
    found = F.interpolate(photos.float(), (side, side), mode="bicubic", antialias=True)
    return found.round_().clamp_(0, 255).to(torch.uint8)


def check_size(size: int, side: int) -> None:
    """Raises BadInput when a window of ``size`` does not fit into photos of ``side``."""
    if not 1 <= size <= side:
        raise BadInput(f"The crop size {size} does not fit the bank's photos of {side}×{side}; use 1 to {side}.")


Progress = Callable[[int, int], None]
"""Called with (photos done, photos in all)."""

_HASHED_AT_ONCE = 256
_verified: set[tuple[Any, ...]] = set()


class Facts(msgspec.Struct, frozen=True):
    """What lies beside the pixels, as JSON. ``seal`` is a SHA-256 over everything else."""

    names: list[str]
    skipped: list[tuple[str, str]]
    labels: list[int] | None
    monochrome: list[int]
    notes: list[tuple[str, str]]
    fingerprint: str
    seal: str = ""

    def sealed(self) -> Facts:
        unsealed = msgspec.structs.replace(self, seal="")
        return msgspec.structs.replace(self, seal=hashlib.sha256(msgspec.json.encode(unsealed)).hexdigest())


def open_bank(folder: Path) -> PhotoBank | None:
    """The bank in a folder, or None: it is not there, damaged, or its pixels are not those that were written.

    The pixels are hashed once in a process (and again when the file has changed since).

    Raises:
        PermissionError: it is there and may not be read.
    """
    try:
        facts = msgspec.json.decode((folder / "facts.json").read_bytes(), type=Facts)
        # Copy-on-write, not "r": torch warns about arrays that cannot be written to. The file is safe.
        pixels = np.load(folder / "pixels.npy", mmap_mode="c", allow_pickle=False)
    except PermissionError:
        raise
    except (OSError, EOFError, ValueError, SyntaxError, msgspec.DecodeError):
        return None
    if (
        pixels.ndim != 4
        or pixels.dtype != np.uint8
        or len(pixels) != len(facts.names)
        or not _is_whole(folder, pixels, facts)
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


def _is_whole(folder: Path, pixels: np.ndarray, facts: Facts) -> bool:
    if facts.sealed() != facts:
        return False
    status = os.stat(folder / "pixels.npy")
    stamp = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, facts.seal)
    if stamp in _verified:
        return True
    if _hash(pixels, facts) != facts.fingerprint:
        return False
    _verified.add(stamp)
    return True


def _hash(pixels: np.ndarray, facts: Facts) -> str:
    digest = hashlib.sha256()
    for start in range(0, len(pixels), _HASHED_AT_ONCE):
        digest.update(pixels[start : start + _HASHED_AT_ONCE].tobytes())
    digest.update(msgspec.json.encode([facts.names, facts.labels]))
    return digest.hexdigest()
