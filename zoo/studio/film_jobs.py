"""Which films are meant, and where each result goes."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from zoo.core.errors import BadInput
from zoo.core.files import make_folder
from zoo.core.film import is_film
from zoo.core.photo_files import is_result, result_stem, shared_stems
from zoo.studio.files import STANDARD, Job
from zoo.studio.film_file import FORMS, suffix_for


def films_among(arguments: Sequence[Path]) -> list[Path]:
    """The films that arguments name, patterns expanded; empty where none does.

    Raises:
        BadInput: films and something else, or a film that is not there.
    """
    found: list[Path] = []
    for argument in arguments:
        if not is_film(argument) or argument.is_dir():
            continue
        if argument.exists():
            found.append(argument)
        elif glob.has_magic(str(argument)):
            met = sorted(Path(each) for each in glob.glob(str(argument), recursive=True))
            found += (each for each in met if not is_result(each))
        else:
            raise BadInput(f"{argument}: there is no such file or folder; check the path.")
    if found and not all(is_film(argument) for argument in arguments):
        raise BadInput("Films and photos are coloured one kind at a time; give the films alone.")
    return found


def film_jobs(films: Sequence[Path], output: Path | None) -> list[Job]:
    """Each film and its result: beside it, in the folder ``output``, or for one film the file ``output``.

    Raises:
        BadInput: an output that cannot be meant, or two films with one result.
    """
    if output == STANDARD:
        raise BadInput("A film is not written to standard output; give a file or a folder (-o FILM.mp4).")
    if output is not None and output.suffix and not output.is_dir():
        if output.suffix.lower() not in FORMS:
            raise BadInput(f"{output}: films are written as {', '.join(FORMS)}; choose one of them, or give a folder.")
        if len(films) != 1:
            raise BadInput(f"{output} is one file for several films; give a folder (-o FOLDER).")
        if output.exists() and output.samefile(films[0]):
            raise BadInput(f"{output} is the film itself, which is never overwritten; choose another name.")
        make_folder(output.parent)
        return [Job(films[0], output)]
    jobs: dict[Path, Job] = {}
    shared = shared_stems(film.name for film in films)
    for film in films:
        folder = film.parent if output is None else output
        stem = result_stem(film.name, whole=film.name in shared)
        result = make_folder(folder) / f"{stem}{suffix_for(film)}"
        if result in jobs:
            raise BadInput(f"{film} and {jobs[result].photo} would both become {result}; take one at a time.")
        jobs[result] = Job(film, result)
    return list(jobs.values())
