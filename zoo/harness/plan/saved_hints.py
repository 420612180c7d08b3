"""The hints of a sweep, drawn once and kept: every model is asked the same questions.

They lie in ``hints/<sweep>-<key>.npz`` of the results folder as flat pixels and their colours, layer by
layer: one hint a layer for a sweep over counts, one density a layer for a sweep over densities. A stranger may have
made the file: nothing is allocated on the word of its header.
"""

from __future__ import annotations

import hashlib
import io
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from zoo.core.assemble import make
from zoo.core.contracts import HintSampler
from zoo.core.errors import BadInput
from zoo.core.files import make_folder, write_whole
from zoo.core.identity import part_identity, short_identity
from zoo.core.spec import fingerprint, part_ref
from zoo.harness.data.bank import PhotoBank
from zoo.harness.data.batches import evaluation_batches, photo_generator
from zoo.harness.plan.suite import HintSweep, Suite

LIMIT = 2**31
"""An array larger than this, in bytes, was not written by the zoo."""

DAMAGE = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    SyntaxError,
    MemoryError,
    RuntimeError,  # encrypted, or NotImplementedError: packed in a way that Python does not know
    struct.error,
    tokenize.TokenError,
    zlib.error,
    zipfile.BadZipFile,
)
"""What reading a damaged file may raise."""


def read_arrays(path: Path, names: Sequence[str]) -> list[np.ndarray]:
    """The arrays ``names`` of the file, in that order; their bytes are checked against the zip's CRC.

    numpy's own reader allocates whatever shape a header claims before it looks whether the data are there.

    Raises:
        any of :data:`DAMAGE`.
    """
    with zipfile.ZipFile(path) as archive:
        return [_array(archive, f"{name}.npy") for name in names]


def _array(archive: zipfile.ZipFile, member: str) -> np.ndarray:
    if archive.getinfo(member).file_size > LIMIT:
        raise ValueError(f"{member} claims {archive.getinfo(member).file_size} bytes")
    file = io.BytesIO(archive.read(member))
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    shape, fortran, dtype = read_header[np.lib.format.read_magic(file)](file)
    data = file.read()
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"{member} claims {shape} of {dtype}, and holds {len(data)} bytes")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")


FORMAT = 1


class SavedHints(NamedTuple):
    """``pixels`` (M,) int32 are places in a photo of H·W, ``colours`` (M, 2) float32 their ab.

    Layer k of photo n is the slice ``ends[n, k - 1]`` (or where the layer before it ends) to ``ends[n, k]``.
    """

    pixels: np.ndarray
    colours: np.ndarray
    ends: np.ndarray

    @property
    def digest(self) -> str:
        """The first 16 hex digits of a SHA-256 over every hint."""
        content = hashlib.sha256()
        for array in self:
            content.update(f"{array.shape} {array.dtype.str}".encode())
            content.update(np.ascontiguousarray(array).tobytes())
        return content.hexdigest()[:16]

    def planes(self, first: int, last: int, size: int) -> tuple[Tensor, Tensor]:
        """Layers ``first`` to ``last`` (excluded), the later over the earlier.

        Returns:
            ``hint_ab`` (N, 2, size, size) and ``hint_mask`` (N, 1, size, size).
        """
        photos, layers = self.ends.shape
        ab, mask = np.zeros((photos, size * size, 2), np.float32), np.zeros((photos, size * size), np.float32)
        starts = np.concatenate(([0], self.ends.flatten()[:-1])).reshape(photos, layers)
        for photo in range(photos if last > first else 0):
            given = slice(starts[photo, first], self.ends[photo, last - 1])
            # numpy keeps the last of values assigned to one place: the later hint.
            ab[photo, self.pixels[given]] = self.colours[given]
            mask[photo, self.pixels[given]] = 1
        maps = torch.from_numpy(ab).view(photos, size, size, 2).permute(0, 3, 1, 2).contiguous()
        return maps, torch.from_numpy(mask.reshape(photos, 1, size, size))


def sweep_photos(suite: Suite, test: PhotoBank) -> PhotoBank:
    """The test photos that sweeps are scored on."""
    limit = min(suite.sweep_limit or len(test), len(test))
    return test.take(range(limit)) if limit < len(test) else test


def hints_of(name: str, suite: Suite, photos: PhotoBank, folder: Path) -> SavedHints:
    """The hints of a sweep: those that lie in the results ``folder``, else drawn anew (and not yet kept).

    Raises:
        BadInput: the file is damaged, or the sampler does not take the sweep's options.
    """
    path = hints_path(name, suite, photos, folder)
    sweep = suite.sweeps[name]
    if not path.is_file():
        return draw(sweep, suite, photos)
    return _read(path, len(photos), max(sweep.counts) if sweep.counts else len(sweep.densities), suite.size)


def keep(name: str, hints: SavedHints, suite: Suite, photos: PhotoBank, folder: Path) -> None:
    """Write a sweep's hints into the results ``folder``, unless they lie there.

    Raises:
        BadInput: it cannot be written.
    """
    path = hints_path(name, suite, photos, folder)
    if path.is_file():
        return
    make_folder(path.parent)
    file = io.BytesIO()
    np.savez_compressed(file, **hints._asdict())
    write_whole(path, file.getvalue())


def hints_path(name: str, suite: Suite, photos: PhotoBank, folder: Path) -> Path:
    """The file's name says what its hints were drawn from, so that other photos never meet them."""
    drawn_from = {
        "format": FORMAT,
        "definition": definition(suite.sweeps[name]),
        "hint_seed": suite.hint_seed,
        "photos": photos.fingerprint,
        "count": len(photos),
        "size": suite.size,
    }
    return folder / "hints" / f"{name}-{fingerprint(drawn_from)}.npz"


def sampler_identity(sampler: str | dict[str, Any], where: str) -> dict[str, Any]:
    """A hint sampler as protocols name it: in a word, and its options beside it."""
    return {"name": short_identity(part_identity("hints", sampler, where)), **part_ref(sampler, where).options}


def definition(sweep: HintSweep) -> dict[str, object]:
    """A sweep as the protocol names it: the sampler with its version and options, and the levels."""
    sampler = sampler_identity(sweep.sampler, "sweeps")
    over = {"counts": list(sweep.counts)} if sweep.counts else {"densities": list(sweep.densities)}
    return {"hints": sampler, **over}


def draw(sweep: HintSweep, suite: Suite, photos: PhotoBank) -> SavedHints:
    """Draw a sweep's hints, photo by photo, each from a generator of its own.

    Raises:
        BadInput: the sampler does not take the sweep's options.
    """
    # One block each that grows: an array a photo, between a photo's large layers, would leave holes in the memory.
    pixels, colours, counts = bytearray(), bytearray(), bytearray()
    drawn = 0
    for ab, name in _chroma(suite, photos):
        layer_ab, mask = _layers(sweep, ab, name, suite.hint_seed)
        layer, pixel = mask.flatten(1).nonzero(as_tuple=True)
        pixels += pixel.to(torch.int32).numpy().tobytes()
        colours += layer_ab.flatten(2)[layer, :, pixel].float().numpy().tobytes()
        counts += torch.bincount(layer, minlength=len(mask)).numpy().tobytes()
        drawn += 1
    ends = np.frombuffer(counts, np.int64).cumsum().reshape(drawn, -1)
    return SavedHints(np.frombuffer(pixels, np.int32), np.frombuffer(colours, np.float32).reshape(-1, 2), ends)


def _chroma(suite: Suite, photos: PhotoBank) -> Iterator[tuple[Tensor, str]]:
    none = make("hints", "none")
    for batch in evaluation_batches(
        photos, size=suite.size, batch_size=16, device="cpu", hint_seed=suite.hint_seed, hint_sampler=none
    ):
        yield from zip(batch.batch.ab, batch.names, strict=True)


def _layers(sweep: HintSweep, ab: Tensor, name: str, seed: int) -> tuple[Tensor, Tensor]:
    """(2, H, W) to the K layers of one photo: ``hint_ab`` (K, 2, H, W) and ``hint_mask`` (K, 1, H, W)."""
    ref = part_ref(sweep.sampler, "sweeps")
    if sweep.counts:
        most = max(sweep.counts)
        one: HintSampler = make("hints", ref, count=1)
        hint_ab, mask = one(ab.expand(max(most, 1), -1, -1, -1), photo_generator(name, seed))
        return hint_ab[:most], mask[:most]
    layers = []
    for density in sweep.densities:
        sampler: HintSampler = make("hints", ref, densities=[density])
        # The same generator each time: a sampler that thresholds one noise gives nested hints.
        layers.append(sampler(ab[None], photo_generator(name, seed)))
    ab_of, mask_of = zip(*layers, strict=True)
    return torch.cat(ab_of), torch.cat(mask_of)


def _read(path: Path, photos: int, layers: int, size: int) -> SavedHints:
    """The hints of a file for ``photos`` of ``size`` pixels a side, ``layers`` layers each.

    Raises:
        BadInput: the file is damaged, or holds the hints of something else.
    """
    try:
        hints = SavedHints(*read_arrays(path, SavedHints._fields))
        _check(hints, photos, layers, size)
    except DAMAGE as error:
        reason = str(error).strip() or type(error).__name__
        raise BadInput(f"{path} cannot be read ({reason}); delete it to draw the same hints again.") from None
    return hints


def _check(hints: SavedHints, photos: int, layers: int, size: int) -> None:
    pixels, colours, ends = hints
    if ends.shape != (photos, layers) or ends.dtype != np.int64:
        raise ValueError(f"it holds hints for {ends.shape}, not for {(photos, layers)} photos and layers")
    if pixels.shape != (len(colours),) or pixels.dtype != np.int32 or colours.shape != (len(pixels), 2):
        raise ValueError("it has not one place and two colours a hint")
    steps = np.diff(ends.flatten(), prepend=0)
    if (steps < 0).any() or (ends.size and ends.flat[-1] != len(pixels)):
        raise ValueError("its layers do not follow one another")
    if ((pixels < 0) | (pixels >= size * size)).any() or not np.isfinite(colours).all():
        raise ValueError("a hint lies outside the photo, or has no colour")
