"""What the measuring scripts share: medians, tables of typed rows, plots, and a folder's file for each device."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import torch

from zoo.core.files import csv_text, plain, read_csv, write_whole
from zoo.harness.results.report.page import plot_svg
from zoo.harness.results.report.plot import Plot
from zoo.harness.training import device as devices

RESULTS = Path(__file__).parents[1] / "results"
Row = TypeVar("Row", bound=msgspec.Struct)


def named_after(device: torch.device, folder: Path, suffix: str = ".csv") -> Path:
    """``FOLDER/cpu-2-threads.csv``."""
    return folder / (re.sub(r"[^a-z0-9]+", "-", devices.describe(device).lower()).strip("-") + suffix)


def summary(values: Sequence[float]) -> dict[str, float]:
    """``median`` and quartiles ``lower`` and ``upper``."""
    if len(values) == 1:
        return dict.fromkeys(("median", "lower", "upper"), values[0])
    lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": median, "lower": lower, "upper": upper}


def read(path: Path, kind: type[Row]) -> list[Row]:
    """The rows that are there; none where there is no table."""
    if not path.exists():
        return []
    rows = [{name: plain(cell) or None for name, cell in row.items()} for row in read_csv(path)[1]]
    return msgspec.convert([{k: v for k, v in row.items() if v is not None} for row in rows], list[kind], strict=False)


def write(path: Path, rows: Sequence[Row], kind: type[Row]) -> None:
    """The table, whole or not at all; numbers with four digits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [{name: _cell(value) for name, value in msgspec.structs.asdict(row).items()} for row in rows]
    write_whole(path, csv_text(kind.__struct_fields__, cells))


def draw(path: Path, plot: Plot) -> None:
    """One of the report's plots as an SVG file of its own."""
    write_whole(path, plot_svg(plot))


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return f"{float(f'{value:.4g}'):g}" if isinstance(value, float) else value
