"""How long a results folder of many runs takes to read, to rank and to report, and how large its page is.

    python benchmarks/scale/thousand_runs.py [MODELS] [SEEDS] [PHOTOS]

Makes MODELS × SEEDS synthetic runs (default 334 × 3, of 41 photos) by the store's own means in a temporary folder,
then times: reading it all, writing the CSVs, the whole report, and, as a bench does after a run, reading what has
changed since and writing the CSVs again.
"""

from __future__ import annotations

import runpy
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zoo.harness.results.leaderboard import Board
from zoo.harness.results.report import write_report

WRITER = Path(__file__).parents[2] / "tests" / "harness" / "results" / "synthetic_results.py"


def timed(what: str, action: Callable[[], Any]) -> Any:
    began = time.perf_counter()
    found = action()
    print(f"{what:<44} {time.perf_counter() - began:7.2f} s", flush=True)
    return found


def main() -> None:
    models, seeds, photos = ([*map(int, sys.argv[1:]), *(334, 3, 41)[len(sys.argv) - 1 :]])[:3]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write = runpy.run_path(str(WRITER))["write_results"]
        labels = [f"model_{i:04}" for i in range(models)]
        timed(f"making {models * seeds} runs", lambda: write(folder, labels, photos=photos, seeds=seeds, gain=0.01))
        board = timed("reading them", lambda: Board.read(folder))
        timed("writing leaderboard.csv and runs.csv", lambda: board.write(sweeps=False))
        touched = next(folder.glob("runs/*/*/run.json"))
        touched.write_bytes(touched.read_bytes() + b"\n")
        board = timed("reading the one run that changed", lambda: Board.read(folder, board))
        timed("the whole report, with hints.csv", lambda: write_report(folder, board=board))
        print(f"report.html: {(folder / 'report.html').stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
