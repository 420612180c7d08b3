"""The leaderboard as a table of cells: text, what to sort by, and where an interval lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoo.harness.bench.report.results import Standing, number, plugin_metrics


@dataclass(frozen=True)
class Column:
    """A column: its name, what it means, and which end of it is the better one.

    ``decimals`` is None where a column is not a number.
    """

    name: str
    title: str
    meaning: str
    decimals: int | None = None
    higher_is_better: bool = False


COLUMNS = (
    Column("rank", "rank", "place by PSNR, and the places it cannot be told from", 0),
    Column("model", "model", "registered name, with the options that were set"),
    Column("psnr", "PSNR", "dB over RGB, mean over the photos; higher is better", 2, True),
    Column("ssim", "SSIM", "structural similarity; higher is better", 4, True),
    Column("lpips", "LPIPS", "learned perceptual distance; lower is better", 4),
    Column("st_lpips", "ST-LPIPS", "shift-tolerant LPIPS; lower is better", 4),
    Column("delta_e00", "ΔE00", "mean CIEDE2000 colour difference; lower is better", 2),
    Column("colorfulness_gap", "colour gap", "difference of the colourfulness to the photo's; lower is better", 2),
    Column("params_m", "params", "parameters, millions", 2),
    Column("gflops", "GFLOPs", "arithmetic to colorize one photo, 10⁹ operations", 2),
    Column("train_img_s", "train/s", "training photos a second; higher is better", 1, True),
    Column("infer_ms", "ms", "milliseconds to colorize one photo", 2),
    Column("peak_mem_mb", "MiB", "peak memory", 0),
    Column("train_s", "train s", "seconds of training", 1),
    Column("seeds", "seeds", "finished runs behind the row", 0, True),
    Column("status", "status", "ok, or what the run ended with"),
)


@dataclass(frozen=True)
class Bar:
    """An interval drawn in its cell: per cent of the cell's width."""

    start: float
    width: float
    mean: float


@dataclass(frozen=True)
class Cell:
    """``sort`` is empty where there is nothing to sort by: such cells always come last."""

    text: str
    sort: str
    numeric: bool
    hover: str = ""
    bar: Bar | None = None


@dataclass(frozen=True)
class Row:
    """A model's cells, and its badges: ``baseline``, ``tied with best``."""

    place: int
    model: str
    cells: list[Cell]
    badges: list[str]
    failed: bool


@dataclass(frozen=True)
class Table:
    """Columns that hold anything, rows best first, and what the ``notes`` say of which models."""

    columns: list[Column]
    rows: list[Row]
    notes: list[tuple[str, list[str]]]


def leaderboard_table(standing: Standing) -> Table:
    """A standing's table; columns nothing was measured of are left out."""
    rows = standing.rows
    columns = [
        *COLUMNS,
        *(Column(name, name, "a plugin's metric", 4) for name in plugin_metrics(rows[0])),
    ]
    columns = [column for column in columns if any(row.get(column.name) for row in rows)]
    tied = sum(_TIED in _notes(row) for row in rows) > 1
    spans = {column.name: _span(rows, column.name) for column in columns}
    return Table(
        columns,
        [
            Row(
                place,
                row["model"],
                [_cell(row, column, spans[column.name]) for column in columns],
                _badges(row, tied),
                row["status"] != "ok",
            )
            for place, row in enumerate(rows)
        ],
        _shared_notes(rows),
    )


def failures(standing: Standing) -> list[tuple[str, int, str, str]]:
    """(model, seed, status, reason) of every run that came to no score."""
    records = [run.record for run in standing.runs if run.record.status != "ok"]
    return sorted((r.label, r.seed, r.status, r.error or "no reason is known") for r in records)


_BASELINE, _TIED = "baseline", "tied_with_best"


def _badges(row: dict[str, str], tied: bool) -> list[str]:
    """The best is always tied with itself; that is only worth saying when there are ``tied`` others."""
    notes = _notes(row)
    return [*(["baseline"] if _BASELINE in notes else []), *(["tied with best"] if tied and _TIED in notes else [])]


def _notes(row: dict[str, str]) -> list[str]:
    return [note.strip() for note in row.get("notes", "").split(";") if note.strip()]


def _shared_notes(rows: Sequence[dict[str, str]]) -> list[tuple[str, list[str]]]:
    """Each note once, with the models it is about; no models where it is about all of them."""
    about: dict[str, list[str]] = {}
    for row in rows:
        for note in _notes(row):
            if note not in (_BASELINE, _TIED):
                about.setdefault(note, []).append(row["model"])
    scored = sum(row["status"] == "ok" for row in rows)
    return [(note, [] if len(models) >= max(scored, 2) else models) for note, models in about.items()]


def _span(rows: Sequence[dict[str, str]], name: str) -> tuple[float, float] | None:
    """From the lowest to the highest end of a column's intervals."""
    ends = [number(row.get(f"{name}_{end}", "")) for row in rows for end in ("lo", "hi")]
    known = [end for end in ends if end is not None]
    return (min(known), max(known)) if known and min(known) < max(known) else None


def _cell(row: dict[str, str], column: Column, span: tuple[float, float] | None) -> Cell:
    text = row.get(column.name, "")
    if column.decimals is None:
        return Cell(text, text, False)
    value = number(text)
    if value is None:
        return Cell("–", "", True)
    low, high = number(row.get(f"{column.name}_lo", "")), number(row.get(f"{column.name}_hi", ""))
    shown = f"{value:.{column.decimals}f}"
    if low is None or high is None:
        return Cell(shown, text, True)
    if span is None or column.name == "rank":
        return Cell(shown if low == high else f"{shown} ({low:.0f}–{high:.0f})", text, True)
    scale = 100 / (span[1] - span[0])
    bar = Bar(*(round(part * scale, 1) for part in (low - span[0], high - low, value - span[0])))
    return Cell(shown, text, True, f"95 % interval {low:.{column.decimals}f} to {high:.{column.decimals}f}", bar)
