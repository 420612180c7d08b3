"""Two models against each other: the difference, how sure it is, and where each of them wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from zoo.core.errors import BadInput, UnknownName, did_you_mean
from zoo.harness.bench.results import Result, in_seed_order, newest, read_results, score_table
from zoo.harness.bench.statistics import compare
from zoo.harness.bench.store import RunFolder

SHOWN_PHOTOS = 5
_SHOWN_CHARACTERS = 60


class Difference(msgspec.Struct, frozen=True):
    """One metric: both means, ``a - b`` with its 95 % interval, and the p-value of no difference."""

    metric: str
    a: float
    b: float
    difference: float
    low: float
    high: float
    p_value: float


class PhotoGap(msgspec.Struct, frozen=True):
    """One photo's PSNR under both models, the mean over their seeds."""

    image: str
    a: float
    b: float


class Comparison(msgspec.Struct, frozen=True):
    """Two models on the same photos under one protocol.

    ``wins_a`` and ``wins_b`` are the photos that each is ahead on, the widest gap first.
    """

    a: str
    b: str
    seeds: tuple[int, int]
    images: int
    differences: list[Difference]
    wins_a: list[PhotoGap]
    wins_b: list[PhotoGap]


def compare_models(a: str, b: str, folder: Path) -> Comparison:
    """Compare two models, or two runs, paired photo by photo.

    Args:
        a, b: a model's name in the results ``folder``, or the path of a run's or a model's folder.

    Raises:
        UnknownName: no finished run of that name, with the nearest.
        BadInput: different protocols (it names the fields that differ) or different photos.
    """
    first, second = _same_protocol(_runs(a, folder), _runs(b, folder), a, b)
    names = first[0].names
    if any(run.names != names for run in (*first, *second)):
        raise BadInput(f"{a} and {b} were scored on different photos; run both again with: zoo bench.")
    tables = {
        metric: (table_a, table_b)
        for metric in first[0].scores
        if (table_a := score_table([run.scores for run in first], metric)) is not None
        and (table_b := score_table([run.scores for run in second], metric)) is not None
        and not (np.isnan(table_a).any(axis=0) | np.isnan(table_b).any(axis=0)).all()
    }
    ahead, behind = _wins(names, *tables["psnr"]) if "psnr" in tables else ([], [])
    return Comparison(
        a=first[0].record.label,
        b=second[0].record.label,
        seeds=(len(first), len(second)),
        images=len(names),
        differences=[_difference(metric, *pair) for metric, pair in tables.items()],
        wins_a=ahead,
        wins_b=behind,
    )


def protocol_differences(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """What distinguishes protocols, a line a field; empty where they are one.

    Args:
        found: the ``protocol`` of run records: its ``fingerprint`` and the fields it is made of.
    """
    protocols = {protocol["fingerprint"]: protocol for protocol in found}
    fields = dict.fromkeys(key for protocol in protocols.values() for key in protocol if key != "fingerprint")
    lines = []
    for field in fields:
        holders: dict[str, list[str]] = {}
        for print_, protocol in protocols.items():
            holders.setdefault(_text(protocol.get(field)), []).append(print_)
        if len(holders) > 1:
            values = "; ".join(f"{_cut(value, holders)} in {', '.join(found)}" for value, found in holders.items())
            lines.append(f"{field}: {values}")
    return lines


def _text(value: Any) -> str:
    return "none" if value is None else msgspec.json.encode(value, order="sorted").decode()


def _cut(value: str, others: Mapping[str, Any]) -> str:
    """A long value from where it begins to differ."""
    if len(value) <= _SHOWN_CHARACTERS:
        return value
    alike = next((i for i, each in enumerate(zip(*others, strict=False)) if len(set(each)) > 1), 0)
    start = max(alike - _SHOWN_CHARACTERS // 2, 0)
    cut = value[start : start + _SHOWN_CHARACTERS]
    return ("…" if start else "") + cut + ("…" if start + _SHOWN_CHARACTERS < len(value) else "")


def _runs(name: str, folder: Path) -> list[Result]:
    """The finished runs that a name or a path stands for, of all its protocols."""
    folders = _run_folders(Path(name))
    if folders:
        runs = [Result(each, record) for each in folders if (record := each.record()) is not None]
    else:
        every = read_results(folder)
        runs = [run for run in every if run.record.label == name]
        if not runs:
            known = {run.record.label for run in every}
            raise UnknownName(f"{folder} has no model {name!r}; {did_you_mean(name, known)}")
    groups = [in_seed_order(group) for group in newest(runs).values()]
    finished = [run for group in groups for run in group]
    if not finished:
        status = runs[0].record.status if runs else "missing"
        raise BadInput(f"No run of {name} is finished (status {status}); run it again with: zoo bench.")
    return finished


def _run_folders(path: Path) -> list[RunFolder]:
    """The run at a path, or a model's runs; none where the name is that of no folder, nor could be."""
    try:
        whole = [path / "run.json"] if (path / "run.json").is_file() else sorted(path.glob("seed*/run.json"))
    except (OSError, ValueError):
        return []
    return [RunFolder(each.parent) for each in whole]


def _same_protocol(
    first: Sequence[Result], second: Sequence[Result], a: str, b: str
) -> tuple[list[Result], list[Result]]:
    """The newest runs of both under a protocol they share."""
    shared = {run.record.fingerprint for run in first} & {run.record.fingerprint for run in second}
    if not shared:
        latest = [max(runs, key=_finished) for runs in (first, second)]
        lines = " | ".join(protocol_differences([run.record.protocol for run in latest]))
        raise BadInput(f"{a} and {b} are of different protocols and cannot be compared; they differ in {lines}.")
    best = max((run for run in (*first, *second) if run.record.fingerprint in shared), key=_finished).record.fingerprint
    return [run for run in first if run.record.fingerprint == best], [
        run for run in second if run.record.fingerprint == best
    ]


def _finished(run: Result) -> str:
    return run.record.provenance.finished


def _difference(metric: str, a: np.ndarray, b: np.ndarray) -> Difference:
    complete = ~(np.isnan(a).any(axis=0) | np.isnan(b).any(axis=0))
    found = compare(a, b)
    means = float(a[:, complete].mean()), float(b[:, complete].mean())
    return Difference(metric, *means, found.difference, found.low, found.high, found.p_value)


def _wins(names: Sequence[str], a: np.ndarray, b: np.ndarray) -> tuple[list[PhotoGap], list[PhotoGap]]:
    gaps = [PhotoGap(*row) for row in zip(names, a.mean(axis=0).tolist(), b.mean(axis=0).tolist(), strict=True)]
    gaps.sort(key=lambda gap: gap.b - gap.a)
    ahead = [gap for gap in gaps if gap.a > gap.b][:SHOWN_PHOTOS]
    behind = [gap for gap in reversed(gaps) if gap.b > gap.a][:SHOWN_PHOTOS]
    return ahead, behind
