"""Runs removed from a results folder, and its tables written anew."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import zoo
from zoo.core.errors import BadInput, UnknownName, did_you_mean
from zoo.core.files import locked_if_free, remove_folder, unwritable
from zoo.core.trained import shipped_folder
from zoo.harness.results.report import write_report
from zoo.harness.results.store import RunFolder, run_folders

PUBLISHED = (Path(zoo.__file__).resolve().parents[1] / "results", shipped_folder().resolve())
"""Of a checkout: what is in there is only read."""
_OF_ALL_RUNS = ("leaderboard.csv", "runs.csv", "hints.csv", "report.html")


def chosen_runs(results: Path, names: Sequence[str]) -> list[RunFolder]:
    """The runs below ``results`` that are named, as its leaderboard names rows, or by their folders.

    Raises:
        UnknownName: a name of no run there, with the nearest.
        BadInput: the folder is published, or holds no runs.
    """
    refuse_published(results)
    runs = run_folders(results)
    if not runs:
        raise BadInput(f"{results} holds no runs; name a results folder such as benches/quick.")
    by_name: dict[str, list[RunFolder]] = {}
    near: list[str] = []
    for run in runs:
        row, *paths = _names(run)
        near += [row, paths[0]]
        for name in (row, *paths):
            by_name.setdefault(name, []).append(run)
    found: dict[Path, RunFolder] = {}
    for name in names:
        if name.rstrip("/") not in by_name:
            raise UnknownName(f"{results} has no run {name!r}; {did_you_mean(name, near)}")
        found |= {run.path: run for run in by_name[name.rstrip("/")]}
    return list(found.values())


def refuse_published(folder: Path) -> None:
    """
    Raises:
        BadInput: the folder lies in the published results, or is the run that comes with the zoo.
    """
    if {folder.resolve(), *folder.resolve().parents} & set(PUBLISHED):
        raise BadInput(f"{folder} is published and only read; copy the folder to change the copy.")


def _names(run: RunFolder) -> list[str]:
    """Its row's, which the row's other runs have too, then its own."""
    model, seed = run.path.parent.name, run.path.name
    record = None
    with contextlib.suppress(BadInput):  # what is damaged can be removed too
        record = run.record()
    # The model's folder also holds the runs of its other options, which rows of their own stand for.
    label = record.label if record else model
    paths = [f"{model}/{seed}", f"runs/{model}/{seed}", str(run.path), os.path.abspath(run.path)]
    return [label, *paths, f"{label} seed {record.seed}" if record else seed]


def remove_runs(results: Path, runs: Sequence[RunFolder]) -> None:
    """Remove the runs, whole, and write the tables and the report anew; they go too when no run is left.

    Raises:
        BadInput: a bench is at work there, or something cannot be removed.
    """
    with locked_if_free(results / ".lock", "give the command where you may write") as free:
        if not free:
            raise BadInput(f"A bench is at work in {results}; wait for its end, or stop it.")
        try:
            for run in runs:
                if run.path.is_symlink():
                    run.path.unlink()
                    continue
                remove_folder(run.path)
                if not any(run.path.parent.iterdir()):
                    run.path.parent.rmdir()
            if run_folders(results):
                write_report(results)
            else:
                for name in _OF_ALL_RUNS:
                    (results / name).unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(results, error) from error
