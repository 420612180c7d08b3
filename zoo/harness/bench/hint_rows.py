"""Quality against hints: a row a model, sweep and level, the mean over its newest seeds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from zoo.core.errors import BadInput
from zoo.harness.bench.results import Result, in_seed_order, newest
from zoo.harness.bench.statistics import Interval, interval

RESAMPLES = 2_000
"""Enough for a band around a curve, where forty models have two dozen levels each."""

_Table = dict[tuple[str, float], dict[str, np.ndarray]]


@dataclass(frozen=True)
class HintRow:
    """A model at one level of a sweep; ``hint_error`` is None where there are no hints to miss."""

    protocol: str
    suite: str
    label: str
    sweep: str
    level: float
    psnr: Interval
    hint_error: float | None
    seeds: int


def hint_rows(runs: Iterable[Result]) -> Iterator[HintRow]:
    """By protocol and model; the interval is over seeds and photos."""
    for (protocol, label), group in sorted(newest(runs).items()):
        swept = [run for run in in_seed_order(group) if run.record.hints]
        tables = [_levels(run) for run in swept]
        for sweep, level in tables[0] if tables else ():
            try:
                seeds = [table[sweep, level] for table in tables]
                psnr = interval(np.stack([seed["psnr"] for seed in seeds]), resamples=RESAMPLES)
            except (KeyError, ValueError):
                raise BadInput(
                    f"A hints.csv of {label} is damaged: its seeds have not the same scores at {sweep} {level:g}; "
                    "delete the run to run it again."
                ) from None
            errors = np.stack([seed["hint_error"] for seed in seeds])
            error = None if np.isnan(errors).all() else float(np.nanmean(errors))
            yield HintRow(protocol, swept[0].record.suite, label, sweep, level, psnr, error, len(seeds))


def _levels(run: Result) -> _Table:
    """(sweep, level) → per score an array over the photos, in the order of the file."""
    lists: dict[tuple[str, float], dict[str, list[float]]] = {}
    for row in run.folder.hint_scores():
        level = lists.setdefault((row["sweep"], row["level"]), {"psnr": [], "hint_error": []})
        level["psnr"].append(row["psnr"])
        level["hint_error"].append(row["hint_error"])
    return {key: {name: np.asarray(values) for name, values in level.items()} for key, level in lists.items()}
