"""What a run needs of a results folder, and what it makes there, as bytes by paths: for machines that share no disk.

A machine of a cluster carries a run out in a folder of its own, which begins with what is :func:`needed` of the real
one. What is :func:`made` there is taken :func:`home` by the bench, which writes it as the run itself would have.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from pathlib import Path

from zoo.core.files import locked, make_folder, write_whole
from zoo.harness.plan.planned_run import PlannedRun
from zoo.harness.results.store import RunFolder
from zoo.harness.run.training_run import trained_before

Files = dict[str, bytes]
"""By the path from the results folder, with slashes."""

Stamps = dict[str, tuple[int, int]]
"""What files are known by again: time of change and size."""


def needed(run: PlannedRun, results: Path) -> Files:
    """The run as far as it has come, its sweeps' hints, its row's step time, and the run whose training it takes over.

    A finished record that is made again stays at home: what is sent is the attempt beside it.
    """
    folder = RunFolder(results / run.folder).workplace().path
    found = {f"{run.folder}/{name}": content for name, content in _read(folder).items() if not name.startswith(".")}
    for pattern in (*(f"hints/{name}-*.npz" for name in run.suite.sweeps), f"step_times/{run.model}-*.json"):
        found |= {str(path.relative_to(results).as_posix()): path.read_bytes() for path in results.glob(pattern)}
    if (before := trained_before(results, run)) is not None:
        place = before.folder.path.relative_to(results).as_posix()
        found |= {f"{place}/{name}": content for name, content in _read(before.folder.path).items()}
    return found


def unpack(files: Files, results: Path) -> Stamps:
    """Begin a folder with what is needed; how its files are known."""
    for path, content in files.items():
        write_whole(make_folder((results / path).parent) / Path(path).name, content)
    return stamps(results)


def stamps(results: Path) -> Stamps:
    """How the files of a folder are known now, without locks and files that are being written."""
    found = {}
    for path in results.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            if path.is_file() and not path.name.startswith("."):
                stat = path.stat()
                found[path.relative_to(results).as_posix()] = (stat.st_mtime_ns, stat.st_size)
    return found


def made(results: Path, paths: Collection[str]) -> Files:
    """The content of some of a folder's files."""
    found = {}
    for path in paths:
        with contextlib.suppress(FileNotFoundError):  # replaced just now: it comes the next time
            found[path] = (results / path).read_bytes()
    return found


def home(run: PlannedRun, results: Path, files: Files, *, all_names: Collection[str] | None = None) -> None:
    """Write what was made into the results, the run's record last, as the run itself does (:mod:`..results.store`).

    Args:
        all_names: where the run has ended, the paths of all files that it has left; others of its own are removed.

    Raises:
        BadInput: a file cannot be written.
    """
    folder = RunFolder(results / run.folder)
    with locked(folder.path / ".lock"):
        place = make_folder(folder.workplace().path)
        for path in sorted(files, key=lambda path: (path == f"{run.folder}/run.json", path)):
            own = path.startswith(f"{run.folder}/")
            target = place / path.removeprefix(f"{run.folder}/") if own else results / path
            if own or not target.exists():
                make_folder(target.parent)
                write_whole(target, files[path])
        if all_names is not None:
            for name in stamps(place):
                if f"{run.folder}/{name}" not in all_names:
                    (place / name).unlink(missing_ok=True)
        folder.settle()


def _read(folder: Path) -> Mapping[str, bytes]:
    return made(folder, stamps(folder))
