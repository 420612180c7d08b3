"""Which photos are meant, and where each result goes.

A result lies next to its photo, or at the same place below the output folder; :mod:`zoo.core.photo_files` says what
it is called.
"""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from zoo.core.errors import BadInput
from zoo.core.files import make_writable_folder
from zoo.core.photo_files import (
    find_photos,
    is_photo,
    is_result,
    looks_like_a_picture,
    result_stem,
    shared_stems,
    suffix_list,
)
from zoo.studio.formats import DEFAULT, FORMATS, format_of

STANDARD = Path("-")
"""Standard input as a photo, standard output as a result, as on the command line; a file of that name comes as a
longer path."""


class Job(NamedTuple):
    """One photo and where its result goes.

    Attributes:
        draw: which of a model's several answers it is, from 1; 0 for its one answer.
    """

    photo: Path
    result: Path
    draw: int = 0


class Jobs(NamedTuple):
    """What there is to do.

    Attributes:
        jobs: in the order of the photos' names.
        form: the results' format, a key of ``FORMATS``.
        remarks: a sentence for each thing that a person may have meant and that is not done.
    """

    jobs: list[Job]
    form: str
    remarks: tuple[str, ...] = ()


def find_jobs(
    arguments: Iterable[Path], output: Path | None = None, form: str | None = None, listed: Iterable[Path] = ()
) -> Jobs:
    """The photos that files, patterns and folders (walked to the bottom) name.

    Hidden files and results of an earlier run are left out, unless named themselves.

    Args:
        arguments: files, folders, patterns as a shell has them (``**`` for any depth) where no file has that name, or
            :data:`STANDARD`.
        listed: photos one by one, which may be missing: that costs the missing one. Below ``output`` they keep the
            folders of a relative path.
        output: a folder; for a single photo a file, whose suffix says the format, or :data:`STANDARD`.
        form: a key of ``FORMATS``; by default what ``output`` says, else PNG.

    Raises:
        BadInput: an argument that names nothing, no photo at all, or two photos with one result.
    """
    arguments, listed = [path for argument in arguments for path in _meant(argument)], list(listed)
    if output is None and STANDARD in arguments:
        output = STANDARD
    if output is not None and _is_one_file(output):
        return _single([*arguments, *listed], output, form)
    form = form or DEFAULT
    photos, remarks = _photos(arguments)
    for path in listed:
        photos.setdefault(path, Path() if path.is_absolute() or ".." in path.parts else path.parent)
    if not photos:
        named = ", ".join(map(str, arguments)) or "The list"
        raise BadInput(" ".join((f"{named}: no photo found ({suffix_list()}); check the path.", *remarks)))
    return Jobs(_placed(photos, output, FORMATS[form].suffixes[0]), form, remarks)


def in_samples(jobs: Iterable[Job], samples: int) -> list[Job]:
    """Each job so many times, for an answer each: ``out.png`` becomes ``out-1.png``, ``out-2.png`` ….

    Raises:
        BadInput: a result is standard output, which takes one picture.
    """
    each: list[Job] = []
    for job in jobs:
        if job.result == STANDARD:
            raise BadInput("Standard output takes one picture, and --samples makes several; write -o FILE or FOLDER.")
        stem, suffix = job.result.stem, job.result.suffix
        for draw in range(1, samples + 1):
            each.append(job._replace(result=job.result.with_name(f"{stem}-{draw}{suffix}"), draw=draw))
    return each


def read_list(content: bytes, name: str) -> list[Path]:
    """The paths that a list names, one a line, or each ended by a zero byte, as ``find -print0`` writes them.

    Raises:
        BadInput: it names none.
    """
    lines = content.split(b"\0") if b"\0" in content else content.splitlines()
    paths = [Path(os.fsdecode(line)) for line in lines if line.strip()]
    if not paths:
        raise BadInput(f"{name} names no photo; write one path a line.")
    return paths


def _meant(argument: Path) -> list[Path]:
    """The argument itself, or where it is a pattern and no file what it fits, in the order of names."""
    if argument == STANDARD or os.path.exists(argument):
        return [argument]
    if not glob.has_magic(str(argument)):
        raise BadInput(f"{argument}: there is no such file or folder; check the path.")
    found = sorted(Path(each) for each in glob.glob(str(argument), recursive=True))
    photos = [path for path in found if path.is_dir() or (is_photo(path) and not is_result(path))]
    if not photos:
        raise BadInput(f"{argument}: no photo has such a name; check the pattern.")
    return photos


def unwritable_folders(jobs: Iterable[Job]) -> dict[Path, str]:
    """The folders of results that cannot be made or written, each with a sentence; the others are made."""
    refused: dict[Path, str] = {}
    for folder in dict.fromkeys(job.result.parent for job in jobs if job.result != STANDARD):
        try:
            make_writable_folder(folder)
        except BadInput as error:
            refused[folder] = str(error)
    return refused


def _is_one_file(output: Path) -> bool:
    return output == STANDARD or (looks_like_a_picture(output) and not output.is_dir())


def _single(arguments: list[Path], output: Path, form: str | None) -> Jobs:
    shown = "standard output" if output == STANDARD else str(output)
    if len(arguments) != 1 or arguments[0].is_dir():
        raise BadInput(f"{shown} is one file for several photos; give a folder (-o FOLDER).")
    meant = DEFAULT if output == STANDARD else format_of(output)
    if meant is None:
        suffixes = ", ".join(suffix for one in FORMATS.values() for suffix in one.suffixes)
        raise BadInput(f"{output}: results are written as {suffixes}; choose one of them, or give a folder.")
    if form is not None and form != meant and output != STANDARD:
        raise BadInput(f"{output} means the format {meant} and --format says {form}; leave one of them out.")
    if arguments[0] != STANDARD and _same_file(arguments[0], output):
        raise BadInput(f"{output} is the photo itself, which is never overwritten; choose another name.")
    return Jobs([Job(arguments[0], output)], form or meant)


def _photos(arguments: list[Path]) -> tuple[dict[Path, Path], tuple[str, ...]]:
    """Each photo once, with the folder it lies in below its argument; and what was not taken."""
    photos: dict[Path, Path] = {}
    remarks: list[str] = []
    for argument in arguments:
        if argument == STANDARD or not argument.is_dir():
            photos.setdefault(argument, Path())
            continue
        found = find_photos(argument, leave_out=is_result)
        for photo in found.photos:
            photos.setdefault(photo, photo.parent.relative_to(argument))
        remarks += (f"{argument}: {remark}" for remark in found.remarks)
    return photos, tuple(remarks)


def _placed(photos: dict[Path, Path], output: Path | None, suffix: str) -> list[Job]:
    shared = lru_cache(maxsize=8)(_shared_stems)

    def placed(photo: Path, *, whole: bool) -> Path:
        folder = photo.parent if output is None else output / photos[photo]
        name = "stdin" if photo == STANDARD else photo.name
        return folder / (result_stem(name, whole=whole or name in shared(photo.parent)) + suffix)

    results = {photo: placed(photo, whole=False) for photo in photos}
    taken = Counter(results.values())
    jobs: dict[Path, Job] = {}
    for photo, result in results.items():
        if taken[result] > 1:  # photos of several folders that come to lie in one
            result = placed(photo, whole=True)
        other = jobs.setdefault(result, Job(photo, result))
        if not _same_file(other.photo, photo):
            raise BadInput(f"{photo} and {other.photo} would both become {result}; take one at a time.")
    return list(jobs.values())


def _shared_stems(folder: Path) -> frozenset[str]:
    try:
        names = os.listdir(folder)
    except OSError:
        return frozenset()  # a folder whose files may be read but not listed
    return frozenset(shared_stems(name for name in names if is_photo(name) and not is_result(name)))


def _same_file(one: Path, other: Path) -> bool:
    return one == other or (os.path.exists(one) and os.path.exists(other) and os.path.samefile(one, other))
