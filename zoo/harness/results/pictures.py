"""The pictures of a run: side by side to look at, and for the report kept small as sheets of sprites.

A sheet is one JPEG holding pictures of one size in rows, in the order of ``scores.csv``. Its chroma has the full
resolution (4:4:4): halved, as WebP and most JPEGs have it, it would show colours bleeding that no model has bled.
Scores are never computed from it.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image, ImageFile
from torch import Tensor

from zoo.core.color import join_lab, to_uint8
from zoo.core.contracts import Batch
from zoo.core.errors import BadInput
from zoo.core.files import make_folder, write_whole

KEPT = 48
"""Of how many test photos, the first ones, pictures are kept."""
MAX_SIDE = 256
"""Larger pictures are shrunk to it, in pixels."""
PREDICTIONS, HINTED = "predictions.jpg", "hinted.jpg"
"""Of a run: what it makes of the photos, and of some of them with growing numbers of hints."""
SHEET = "samples.png"
"""A few test photos by one run, side by side."""
LEVELS = (0, 1, 5, 20, 100)
"""Numbers of hints whose pictures are kept, of a suite's first sweep over counts."""
LEVEL_PHOTOS = 3
"""Of how many of its photos, evenly spread."""
_COLUMNS = 8
_QUALITY = 90


def save_predictions(run_folder: Path, predictions: Tensor, file: str = PREDICTIONS) -> None:
    """Write what a run makes of photos into its folder.

    Args:
        predictions: uint8 (N, 3, H, W), in the order of ``scores.csv``; those beyond :data:`KEPT` are left out. For
            :data:`HINTED` the levels of a photo follow each other.

    Raises:
        BadInput: the folder cannot be written.
    """
    write_whole(run_folder / file, _sheet(_pictures(predictions)))


def save_photos(results: Path, protocol: str, *groups: Tensor, hinted: bool = False) -> None:
    """Write the photos all runs of a protocol are scored on, unless another run of it has done so.

    Args:
        results: the results folder, such as ``results/quick``.
        protocol: the protocol's fingerprint; it names the file.
        groups: uint8 (N, 3, H, W) each: the input, the hints drawn on it, the photo itself.
        hinted: they are the hints drawn on the photos of :data:`HINTED`, level by level, and those photos.

    Raises:
        BadInput: the folder cannot be written.
    """
    path = photos_file(results, protocol, hinted=hinted)
    if path.exists():
        return
    make_folder(path.parent)
    write_whole(path, _sheet([picture for group in groups for picture in _pictures(group)]))


def photos_file(results: Path, protocol: str, *, hinted: bool = False) -> Path:
    """Where :func:`save_photos` puts them."""
    return results / "photos" / f"{protocol}{'-hinted' if hinted else ''}.jpg"


class Countable(Protocol):
    """A sweep as a suite or a record has it; ``counts`` are empty, or unset, where it goes over densities."""

    @property
    def counts(self) -> Any: ...


def shown_levels(sweeps: Mapping[str, Countable]) -> tuple[str, list[int]] | None:
    """The sweep whose pictures are kept, and its levels of :data:`LEVELS`; None where there are not two of them."""
    for name, sweep in sweeps.items():
        levels = [level for level in LEVELS if level in (sweep.counts or ())]
        if len(levels) > 1:
            return name, levels
    return None


def spread(count: int, wanted: int) -> list[int]:
    """``wanted`` of the numbers below ``count``, or all, evenly spread."""
    chosen = min(count, wanted)
    return [i * count // chosen for i in range(chosen)]


def read_hinted(run_folder: Path, photos: int, levels: int) -> list[list[Image.Image]]:
    """A run's pictures, a list of ``levels`` a photo; empty when none were saved.

    Raises:
        BadInput: the file is damaged, or holds another number of pictures.
    """
    pictures = _read(run_folder / HINTED, photos * levels)
    return [pictures[start : start + levels] for start in range(0, len(pictures), levels)]


def read_hinted_photos(
    results: Path, protocol: str, photos: int, levels: int
) -> tuple[list[list[Image.Image]], list[Image.Image]]:
    """The hints drawn on the photos, a list of ``levels`` a photo, and the photos; empty when none were saved.

    Raises:
        BadInput: the file is damaged, or holds another number of pictures.
    """
    pictures = _read(photos_file(results, protocol, hinted=True), photos * (levels + 1))
    hinted = pictures[: photos * levels]
    return [hinted[start : start + levels] for start in range(0, len(hinted), levels)], pictures[photos * levels :]


def pictures_of(results: Path, run_folder: str, protocol: str) -> tuple[Path, ...]:
    """Where the pictures of one run lie, if there are any.

    Args:
        run_folder: below ``results``.
    """
    of_protocol = (photos_file(results, protocol, hinted=hinted) for hinted in (False, True))
    return *of_protocol, *(results / run_folder / file for file in (SHEET, PREDICTIONS, HINTED))


def check_no_pictures(files: Iterable[Path]) -> None:
    """A bench that is to keep numbers only must not find pictures, or hints, of an earlier one in its folder.

    Raises:
        BadInput: one of the files is there.
    """
    for path in files:
        if path.exists():
            raise BadInput(f"{path} is of photos of which only numbers are kept; delete it, or give another --out.")


def read_predictions(run_folder: Path, count: int) -> list[Image.Image]:
    """The first :data:`KEPT` of a run's ``count`` predictions; empty when none were saved.

    Raises:
        BadInput: the file is damaged, or holds another number of pictures.
    """
    return _read(run_folder / PREDICTIONS, min(count, KEPT))


def read_photos(
    results: Path, protocol: str, count: int
) -> tuple[list[Image.Image], list[Image.Image], list[Image.Image]]:
    """Grey inputs, hints and truths of the first :data:`KEPT` of ``count`` photos; empty when none were saved.

    Raises:
        BadInput: the file is damaged, or holds another number of pictures.
    """
    kept = min(count, KEPT)
    pictures = _read(photos_file(results, protocol), 3 * kept)
    return pictures[:kept], pictures[kept : 2 * kept], pictures[2 * kept :]


def jpeg(picture: Image.Image) -> bytes:
    """A picture as a sheet is written: cut out of one and written again it loses next to nothing more."""
    out = io.BytesIO()
    # To optimize, Pillow needs room for the whole file before it knows its length, and gives it a byte a pixel.
    # Noise takes two; a coefficient, of which a pixel has three, never more than 16 + 10 bits (ITU-T T.81, annex F).
    room, ImageFile.MAXBLOCK = ImageFile.MAXBLOCK, max(ImageFile.MAXBLOCK, 10 * picture.width * picture.height)
    try:
        picture.save(out, "JPEG", quality=_QUALITY, subsampling="4:4:4", optimize=True)
    finally:
        ImageFile.MAXBLOCK = room
    return out.getvalue()


def _pictures(tensor: Tensor) -> list[Image.Image]:
    if tensor.dtype != torch.uint8 or tensor.ndim != 4 or tensor.shape[1] != 3:
        raise ValueError(f"pictures must be uint8 (N, 3, H, W), not {tensor.dtype} {tuple(tensor.shape)}")
    arrays = tensor[:KEPT].permute(0, 2, 3, 1).cpu().numpy()
    pictures = [Image.fromarray(np.ascontiguousarray(array)) for array in arrays]
    height, width = tensor.shape[-2:]
    scale = MAX_SIDE / max(height, width)
    if scale >= 1:
        return pictures
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return [picture.resize(size, Image.Resampling.LANCZOS) for picture in pictures]


def _layout(count: int) -> tuple[int, int]:
    columns = min(count, _COLUMNS)
    return columns, -(-count // columns)


def _sheet(pictures: Sequence[Image.Image]) -> bytes:
    width, height = pictures[0].size
    columns, rows = _layout(len(pictures))
    sheet = Image.new("RGB", (columns * width, rows * height))
    for i, picture in enumerate(pictures):
        sheet.paste(picture, (i % columns * width, i // columns * height))
    return jpeg(sheet)


def _read(path: Path, count: int) -> list[Image.Image]:
    if count == 0 or not path.exists():
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=["JPEG"]) as opened:
                sheet = opened.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadInput(f"{path} is no picture ({error}); delete it and run its model again.") from None
    columns, rows = _layout(count)
    width, height = sheet.width // columns, sheet.height // rows
    if (width * columns, height * rows) != sheet.size:
        raise BadInput(f"{path} does not hold {count} pictures as scores.csv does; delete it and run its model again.")
    return [
        sheet.crop((x, y, x + width, y + height))
        for x, y in ((i % columns * width, i // columns * height) for i in range(count))
    ]


def input_pictures(batch: Batch) -> tuple[Tensor, Tensor]:
    """The grey input and the hints on it, uint8 (N, 3, H, W). Each hint is drawn as a 3×3 dot, to be seen."""
    grey = to_uint8(join_lab(batch.lightness, torch.zeros_like(batch.ab)))
    shown = torch.nn.functional.max_pool2d(batch.hint_mask, 3, stride=1, padding=1)
    total = torch.nn.functional.avg_pool2d(batch.hint_ab, 3, stride=1, padding=1)
    share = torch.nn.functional.avg_pool2d(batch.hint_mask, 3, stride=1, padding=1).clamp_min(1e-6)
    dots = to_uint8(join_lab(batch.lightness.clamp(-0.2, 0.5), total / share))
    return grey, torch.where(shown > 0, dots, grey)


def sheet(columns: Sequence[Tensor], *, gap: int = 2) -> bytes:
    """Columns of uint8 (N, 3, H, W), one picture a row, as PNG bytes on white."""
    n, _, height, width = columns[0].shape
    canvas = np.full((n * (height + gap) - gap, len(columns) * (width + gap) - gap, 3), 255, np.uint8)
    for c, column in enumerate(columns):
        pictures = column.cpu().permute(0, 2, 3, 1).numpy()
        for r in range(n):
            top, left = r * (height + gap), c * (width + gap)
            canvas[top : top + height, left : left + width] = pictures[r]
    out = io.BytesIO()
    Image.fromarray(canvas).save(out, "PNG", optimize=True)
    return out.getvalue()
