"""``hints.csv``: quality against hints, a row a model, sweep and level."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from zoo.core.errors import BadInput
from zoo.harness.bench.results import Result, in_seed_order, newest
from zoo.harness.bench.statistics import interval

RESAMPLES = 2_000
"""Enough for a band around a curve, where forty models have two dozen levels each."""

_Table = dict[tuple[str, float], dict[str, np.ndarray]]


def hint_rows(runs: Iterable[Result]) -> Iterator[dict[str, Any]]:
    """The mean over a model's newest seeds, with its 95 % interval over seeds and photos, by protocol and model."""
    for (protocol, label), group in sorted(newest(runs).items()):
        swept = [run for run in in_seed_order(group) if run.row.get("hints")]
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
            yield {
                "model": label,
                "sweep": sweep,
                "level": f"{level:g}",
                "psnr": _cell(psnr.mean),
                "psnr_lo": _cell(psnr.low),
                "psnr_hi": _cell(psnr.high),
                "hint_error": None if np.isnan(errors).all() else _cell(float(np.nanmean(errors))),
                "seeds": len(seeds),
                "photos": psnr.images,
                "notes": "one seed: the interval is over photos only" if len(seeds) == 1 else "",
                "suite": swept[0].row["suite"],
                "protocol": protocol,
            }


def _cell(value: float) -> str | None:
    return f"{value:.3f}" if value == value else None


def _levels(run: Result) -> _Table:
    """(sweep, level) → per score an array over the photos, in the order of the file."""
    lists: dict[tuple[str, float], dict[str, list[float]]] = {}
    for row in run.folder.hint_scores():
        level = lists.setdefault((row["sweep"], row["level"]), {"psnr": [], "hint_error": []})
        level["psnr"].append(row["psnr"])
        level["hint_error"].append(row["hint_error"])
    return {key: {name: np.asarray(values) for name, values in level.items()} for key, level in lists.items()}
