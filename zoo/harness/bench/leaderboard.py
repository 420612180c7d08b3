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
from zoo.core.files import write_whole
from zoo.harness.bench.columns import HINT_COLUMNS, LEADERBOARD_COLUMNS, RUN_COLUMNS
from zoo.harness.bench.hint_rows import hint_rows
from zoo.harness.bench.results import Result, in_seed_order, newest, read_results, score_table
from zoo.harness.bench.statistics import Interval, RankInterval, interval, rank_interval
from zoo.harness.bench.store import csv_text

if TYPE_CHECKING:
    import pandas as pd

METRICS = ("psnr", "ssim", "lpips", "st_lpips", "delta_e00", "colorfulness_gap")
"""The metrics that are columns, beside those of plugins."""

INTERVALS = ("psnr", "ssim", "lpips")
"""The metrics whose confidence interval is a column."""


COSTS = ("params_m", "gflops", "train_img_s", "infer_ms", "peak_mem_mb", "train_s")
_RANKS = ("rank", "rank_lo", "rank_hi")
_NOT_OF_DRAWS = ("gflops", "infer_ms")
_DECIMALS = {"psnr": 3, "delta_e00": 3, "params_m": 3, "gflops": 3, "train_img_s": 1, "infer_ms": 2, "train_s": 1}
_DECIMALS |= {"peak_mem_mb": 0, "colorfulness_gap": 3, "hint_error": 3, "time_to": 1}


def rebuild(folder: Path, *, hints: bool = True) -> Path:
    """Write the CSVs anew from the run folders; the leaderboard's path.

    Args:
        hints: ``hints.csv`` too; a bench at work leaves it to the end.

    Raises:
        BadInput: no results are there, a run.json is damaged or of another version, or nothing can be written.
    """
    runs = read_results(folder)
    if not runs:
        raise BadInput(f"{folder} holds no runs; name a results folder such as results/quick.")
    extra = _plugin_metrics(runs)
    write_whole(folder / "runs.csv", csv_text([*RUN_COLUMNS, *extra], [_run_cells(run, extra) for run in runs]))
    if hints:
        write_whole(folder / "hints.csv", csv_text(HINT_COLUMNS, list(hint_rows(runs))))
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
    texts = dict.fromkeys(("model", "status", "error", "notes", "protocol", "zoo", "commit"), str)
    try:
        # index_col: rows longer than the header are damage, not names of rows
        table = pd.read_csv(path, dtype=texts, index_col=False)
        if "model" not in table.columns:
            raise ValueError("it has no column 'model'")
    except (ValueError, OSError) as error:
        reason = " ".join(str(error).split())
        raise BadInput(
            f"{path} cannot be read ({reason}); rebuild it with: zoo leaderboard {folder} --rebuild."
        ) from None
    return table


def _plugin_metrics(runs: Iterable[Result]) -> list[str]:
    """Metrics that are not ours get columns of their own at the end."""
    return sorted({metric for run in runs for metric in run.scores} - set(RUN_COLUMNS))


def _run_cells(run: Result, extra: Sequence[str]) -> dict[str, Any]:
    row = run.row
    values = {**row.get("scores", {}), **row.get("costs", {})}
    return {
        **{name: shown(name, value) for name, value in values.items()},
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


def _leaderboard_rows(runs: Sequence[Result], extra: Sequence[str]) -> list[dict[str, Any]]:
    protocols: dict[str, dict[str, list[Result]]] = defaultdict(dict)
    for (protocol, label), group in newest(runs).items():
        protocols[protocol][label] = group
    # The protocol with the most rows first; its table is the one that is read.
    order = sorted(protocols, key=lambda protocol: (-len(protocols[protocol]), protocol))
    return [row for protocol in order for row in _ranked(protocols[protocol], extra)]


def _ranked(models: Mapping[str, list[Result]], extra: Sequence[str]) -> list[dict[str, Any]]:
    tables = {label: table for label, group in models.items() if (table := _table(group, "psnr")) is not None}
    try:
        ranks = rank_interval(tables) if tables else {}
    except ValueError as error:
        raise BadInput(
            f"The scores of {', '.join(tables)} cannot be ranked ({error}); delete the damaged run to run it again."
        ) from None

    def order(label: str) -> tuple[int, str]:
        return (ranks[label].rank if label in ranks else len(models) + 1, label)

    rows: list[dict[str, Any]] = []
    for label in sorted(models, key=order):
        row = _model_cells(label, models[label], ranks.get(label), extra)
        rows += [row, *_draw_rows(row, models[label], extra)]
    return rows


def _draw_rows(row: Mapping[str, Any], group: Sequence[Result], extra: Sequence[str]) -> list[dict[str, Any]]:
    """The mean and the best of a sampler's draws: below its row, marked, and not ranked."""
    drawn = [run for run in in_seed_order(group) if run.draws]
    if not drawn:
        return []
    k = drawn[0].row["samples"]["k"]
    remarks = {
        "mean": f"mean over {k} random draws of the model above; not ranked",
        "best": f"each photo's best of {k} random draws by each metric, which needs the truth; not ranked",
    }
    rows = []
    for which, remark in remarks.items():
        cells = {key: value for key, value in row.items() if key not in (*_RANKS, *_NOT_OF_DRAWS)}
        for metric in (*METRICS, *extra):
            table = score_table([run.draws for run in drawn], f"{metric}_{which}")
            cells |= _metric_cells(metric, interval(table) if table is not None else None)
        rows.append({**cells, "model": f"{row['model']} ({which} of {k})", "notes": remark})
    return rows


def _table(group: Sequence[Result], metric: str) -> np.ndarray | None:
    return score_table([run.scores for run in in_seed_order(group)], metric)


def _model_cells(
    label: str, group: Sequence[Result], rank: RankInterval | None, extra: Sequence[str]
) -> dict[str, Any]:
    finished = [run for run in group if run.ok]
    failed = [run for run in group if not run.ok]
    latest = max(group, key=lambda run: run.row["provenance"]["finished"]).row
    cells: dict[str, Any] = {**_shared_cells(latest), "model": label}
    if rank is not None:
        cells |= {"rank": rank.rank, "rank_lo": rank.rank_lo, "rank_hi": rank.rank_hi}
    for metric in (*METRICS, *extra):
        table = _table(group, metric)
        cells |= _metric_cells(metric, interval(table) if table is not None else None)
    for cost in COSTS:
        values = [run.row["costs"][cost] for run in finished if run.row["costs"].get(cost) is not None]
        if values:
            cells[cost] = shown(cost, float(np.mean(values)))
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


def _metric_cells(metric: str, found: Interval | None) -> dict[str, Any]:
    cells = {metric: shown(metric, found.mean if found else None)}
    if metric in INTERVALS:
        cells[f"{metric}_lo"] = shown(metric, found.low if found else None)
        cells[f"{metric}_hi"] = shown(metric, found.high if found else None)
    return cells


def shown(name: str, value: float | None) -> str | None:
    """A number as the CSVs write it; None for what was not measured."""
    if value is None or value != value:
        return None
    return f"{value:.{_DECIMALS.get(name, 4)}f}"
