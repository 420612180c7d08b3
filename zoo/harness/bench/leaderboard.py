"""The CSVs: pure functions of the run folders, so that rebuilding them is byte-identical.

``runs.csv`` has a row a run, whatever became of it. ``leaderboard.csv`` has a row a model: its newest
runs under each protocol, their mean with a confidence interval, and its place among the rows of the
same protocol. Rows of different protocols are never ranked together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.core.errors import BadInput
from zoo.harness.bench.columns import LEADERBOARD_COLUMNS, RUN_COLUMNS
from zoo.harness.bench.statistics import Interval, RankInterval, interval, rank_interval
from zoo.harness.bench.store import RunFolder, csv_text, run_folders, write_whole

if TYPE_CHECKING:
    import pandas as pd

INTERVALS = ("psnr", "ssim", "lpips")
"""The metrics whose confidence interval is a column."""


COSTS = ("params_m", "gflops", "train_img_s", "infer_ms", "peak_mem_mb", "train_s")
_DECIMALS = {"psnr": 3, "delta_e00": 3, "params_m": 3, "gflops": 3, "train_img_s": 1, "infer_ms": 2, "train_s": 1}
_DECIMALS |= {"peak_mem_mb": 0, "colorfulness_gap": 3}


class _Run:
    """A run folder read: its row, and the scores of its images when there are any."""

    def __init__(self, folder: RunFolder, row: dict[str, Any]):
        self.row = row
        self.ok = row["status"] == "ok"
        self.names, self.scores = folder.scores() if self.ok else ([], {})


def rebuild(folder: Path) -> Path:
    """Write ``runs.csv`` and ``leaderboard.csv`` anew from the run folders; the leaderboard's path.

    Raises:
        BadInput: no results are there, a run.json is damaged or of another version, or nothing can be written.
    """
    runs = []
    for found in run_folders(folder):
        row = found.row()
        if row is not None:
            runs.append(_Run(found, row))
    if not folder.is_dir():
        raise BadInput(f"{folder} does not exist; name a results folder such as results/quick.")
    extra = _plugin_metrics(runs)
    write_whole(folder / "runs.csv", csv_text([*RUN_COLUMNS, *extra], [_run_cells(run, extra) for run in runs]))
    path = folder / "leaderboard.csv"
    write_whole(path, csv_text([*LEADERBOARD_COLUMNS, *extra], _leaderboard_rows(runs, extra)))
    return path


def leaderboard(folder: str | Path) -> pd.DataFrame:
    """A results folder's leaderboard, best first.

    Args:
        folder: such as ``results/quick``.

    Raises:
        BadInput: there is no leaderboard.
    """
    import pandas as pd

    path = Path(folder) / "leaderboard.csv"
    if not path.is_file():
        raise BadInput(f"{path} does not exist; name a results folder such as results/quick.")
    try:
        return pd.read_csv(path, dtype={"commit": str, "protocol": str, "zoo": str, "error": str, "notes": str})
    except (ValueError, OSError) as error:
        raise BadInput(
            f"{path} cannot be read ({error}); rebuild it with: zoo leaderboard {folder} --rebuild."
        ) from None


def _plugin_metrics(runs: Iterable[_Run]) -> list[str]:
    """Metrics that are not ours get columns of their own at the end."""
    return sorted({metric for run in runs for metric in run.scores} - set(RUN_COLUMNS))


def _run_cells(run: _Run, extra: Sequence[str]) -> dict[str, Any]:
    row = run.row
    values = {**row.get("scores", {}), **row.get("costs", {})}
    return {
        **{name: _shown(name, value) for name, value in values.items()},
        **_shared_cells(row),
        "model": row["label"],
        "seed": row["seed"],
        "key": row["key"],
        "steps": row.get("steps"),
        "images": row.get("images"),
        "recipe": row["recipe"],
        "status": row["status"],
        "error": row["error"],
        "notes": "; ".join(_notes(row)),
    }


def _shared_cells(row: Mapping[str, Any]) -> dict[str, Any]:
    provenance = row["provenance"]
    train, test = row["data"]["train"], row["data"]["test"]
    return {
        "suite": row["suite"],
        "protocol": row["protocol"]["fingerprint"],
        "data": f"{train['source']} {train['photos']} / {test['source']} {test['photos']}",
        "device": provenance["device"],
        "precision": row.get("precision"),
        "torch": provenance["torch"],
        "zoo": provenance["zoo"],
        "commit": provenance["commit"],
        "date": provenance["finished"][:10],
    }


def _notes(row: Mapping[str, Any]) -> list[str]:
    return (["baseline"] if row.get("baseline") else []) + list(row.get("notes", []))


def _leaderboard_rows(runs: Sequence[_Run], extra: Sequence[str]) -> list[dict[str, Any]]:
    protocols: dict[str, dict[str, list[_Run]]] = defaultdict(dict)
    for (protocol, label), group in _newest(runs).items():
        protocols[protocol][label] = group
    # The protocol with the most rows first; its table is the one that is read.
    order = sorted(protocols, key=lambda protocol: (-len(protocols[protocol]), protocol))
    return [row for protocol in order for row in _ranked(protocols[protocol], extra)]


def _newest(runs: Sequence[_Run]) -> dict[tuple[str, str], list[_Run]]:
    """Per protocol and model, the runs of the newest key: an older recipe's stay in runs.csv only."""
    by_key: dict[tuple[str, str], dict[str, list[_Run]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        by_key[run.row["protocol"]["fingerprint"], run.row["label"]][run.row["key"]].append(run)
    return {
        place: max(keys.values(), key=lambda group: max(run.row["provenance"]["finished"] for run in group))
        for place, keys in by_key.items()
    }


def _ranked(models: Mapping[str, list[_Run]], extra: Sequence[str]) -> list[dict[str, Any]]:
    tables = {label: table for label, group in models.items() if (table := _table(group, "psnr")) is not None}
    ranks = rank_interval(tables) if tables else {}
    rows = [(_model_cells(label, group, ranks.get(label), extra), ranks.get(label)) for label, group in models.items()]
    rows.sort(key=lambda item: (item[1].rank if item[1] else len(models) + 1, item[0]["model"]))
    return [row for row, _ in rows]


def _table(group: Sequence[_Run], metric: str) -> np.ndarray | None:
    """(seeds, images) of one metric over a model's finished runs; None where it was not measured."""
    scored = [run for run in sorted(group, key=lambda run: run.row["seed"]) if run.ok]
    tables = [run.scores[metric] for run in scored if metric in run.scores]
    if not tables or len(tables) != len(scored) or np.isnan(tables).all(axis=1).any():
        return None
    return np.asarray(tables)


def _model_cells(label: str, group: Sequence[_Run], rank: RankInterval | None, extra: Sequence[str]) -> dict[str, Any]:
    finished = [run for run in group if run.ok]
    failed = [run for run in group if not run.ok]
    latest = max(group, key=lambda run: run.row["provenance"]["finished"]).row
    cells: dict[str, Any] = {**_shared_cells(latest), "model": label}
    if rank is not None:
        cells |= {"rank": rank.rank, "rank_lo": rank.rank_lo, "rank_hi": rank.rank_hi}
    for metric in ("psnr", "ssim", "lpips", "st_lpips", "delta_e00", "colorfulness_gap", *extra):
        table = _table(group, metric)
        if table is not None:
            cells |= _metric_cells(metric, interval(table))
    for cost in COSTS:
        values = [run.row["costs"][cost] for run in finished if run.row["costs"].get(cost) is not None]
        if values:
            cells[cost] = _shown(cost, float(np.mean(values)))
    notes = dict.fromkeys(note for run in group for note in _notes(run.row))
    if failed and finished:
        notes[f"{len(finished)} of {len(group)} seeds finished"] = None
    if rank is not None and rank.tied_with_best:
        notes["tied_with_best"] = None
    if len(finished) == 1:
        notes["one seed: intervals are over images only"] = None
    worst = failed[0].row if failed else latest
    return {
        **cells,
        "seeds": len(finished),
        "images": finished[0].row["images"] if finished else 0,
        "status": worst["status"],
        "error": worst["error"],
        "notes": "; ".join(notes),
    }


def _metric_cells(metric: str, found: Interval) -> dict[str, Any]:
    cells = {metric: _shown(metric, found.mean)}
    if metric in INTERVALS:
        cells |= {f"{metric}_lo": _shown(metric, found.low), f"{metric}_hi": _shown(metric, found.high)}
    return cells


def _shown(name: str, value: float | None) -> str | None:
    if value is None or value != value:
        return None
    return f"{value:.{_DECIMALS.get(name, 4)}f}"
