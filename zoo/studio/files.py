"""Which photos are meant, and where each result goes. One rule: ``NAME.colorized.png``.

A result lies next to its photo, or at the same place below the output folder. Where two photos of a
folder share a stem (``a.jpg`` and ``a.png``) the suffix stays in the name (``a.jpg.colorized.png``).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from zoo.core.errors import BadInput
from zoo.core.files import make_folder, writing

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"})
MARK = ".colorized.png"


class Job(NamedTuple):
    """One photo and where its result goes."""

    photo: Path
    result: Path


def find_jobs(arguments: Iterable[Path], output: Path | None = None) -> list[Job]:
    """The photos that files and folders (walked to the bottom) name, in the order of their names.

    Hidden files and results of an earlier run are left out, unless named themselves.

    Args:
        output: a folder, or for a single photo a file ending in ``.png``.

    Raises:
        BadInput: an argument that does not exist, no photo at all, or two photos with one result.
    """
    arguments = list(arguments)
    if output is not None and output.suffix.lower() in SUFFIXES and not output.is_dir():
        return [_single(arguments, output)]
    jobs: dict[Path, Job] = {}
    stems = lru_cache(maxsize=8)(_stems)
    for argument in arguments:
        if argument.is_dir():
            found = [(photo, photo.parent.relative_to(argument)) for photo in _walk(argument)]
        elif argument.exists():
            found = [(argument, Path())]
        else:
            raise BadInput(f"{argument}: there is no such file or folder; check the path.")
        for photo, below in found:
            folder = photo.parent if output is None else output / below
            shared = stems(photo.parent)[photo.stem.lower()] > 1
            job = Job(photo, folder / ((photo.name if shared else photo.stem) + MARK))
            other = jobs.setdefault(job.result, job)
            if not _same_file(other.photo, photo):
                raise BadInput(f"{photo} and {other.photo} would both become {job.result}; take one at a time.")
    if not jobs:
        suffixes = ", ".join(sorted(SUFFIXES))
        raise BadInput(f"{', '.join(map(str, arguments))}: no photo found ({suffixes}); check the path.")
    return list(jobs.values())


def write_png(path: Path, rgb: np.ndarray) -> None:
    """Write uint8 (H, W, 3) as PNG: the whole file or none; folders are made.

    Raises:
        BadInput: it cannot be written.
    """
    make_folder(path.parent)
    with writing(path) as part:
        Image.fromarray(rgb).save(part, format="PNG")


def _single(arguments: list[Path], output: Path) -> Job:
    if len(arguments) != 1 or arguments[0].is_dir():
        raise BadInput(f"{output} is one file for several photos; give a folder.")
    if output.suffix.lower() != ".png":
        raise BadInput(f"{output}: results are PNG files; let its name end in .png, or give a folder.")
    if not arguments[0].exists():
        raise BadInput(f"{arguments[0]}: there is no such file or folder; check the path.")
    if _same_file(arguments[0], output):
        raise BadInput(f"{output} is the photo itself, which is never overwritten; choose another name.")
    return Job(arguments[0], output)


def _walk(folder: Path) -> Iterator[Path]:
    for path, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if _is_photo(name):
                yield Path(path, name)


def _is_photo(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES and not name.startswith(".") and not name.endswith(MARK)


def _stems(folder: Path) -> Counter[str]:
    """How many photos of a folder have each stem; lower case, as some file systems see names."""
    try:
        names = os.listdir(folder)
    except OSError:
        names = []  # a folder whose files may be read but not listed
    return Counter(Path(name).stem.lower() for name in names if _is_photo(name))


def _same_file(one: Path, other: Path) -> bool:
    return one == other or (os.path.exists(one) and os.path.exists(other) and os.path.samefile(one, other))
