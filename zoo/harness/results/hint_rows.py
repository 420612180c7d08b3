"""Quality against hints: a row a model, sweep and level, the mean over its newest seeds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from zoo.core.errors import BadInput
from zoo.harness.results.finished_runs import Level, Result, in_seed_order, newest
from zoo.harness.results.statistics import Interval, interval

RESAMPLES = 2_000
"""Enough for a band around a curve, where forty models have two dozen levels each."""


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


def hint_rows(runs: Iterable[Result], left_out: list[str] | None = None) -> Iterator[HintRow]:
    """By protocol and model; the interval is over seeds and photos.

    Args:
        left_out: told of each hints.csv that cannot be read, a sentence; its run has no part in the rows then.
    """
    for (protocol, label), group in sorted(newest(runs).items()):
        swept = [(run, table) for run in in_seed_order(group) if (table := _levels(run, left_out))]
        for sweep, level in swept[0][1] if swept else ():
            photos = len(swept[0][1][sweep, level].psnr)
            seeds = [table[sweep, level] for _, table in swept if (sweep, level) in table]
            seeds = [seed for seed in seeds if len(seed.psnr) == photos]
            scores = np.stack([seed.psnr for seed in seeds])
            if np.isnan(scores).any(axis=0).all():
                continue
            psnr = interval(scores, resamples=RESAMPLES)
            errors = np.stack([seed.hint_error for seed in seeds])
            error = None if np.isnan(errors).all() else float(np.nanmean(errors))
            yield HintRow(protocol, swept[0][0].record.suite, label, sweep, level, psnr, error, len(seeds))


def _levels(run: Result, left_out: list[str] | None) -> dict[tuple[str, float], Level]:
    """By sweep and level; empty where the file is damaged."""
    try:
        return run.levels
    except BadInput as error:
        if left_out is not None:
            left_out.append(str(error))
        return {}
