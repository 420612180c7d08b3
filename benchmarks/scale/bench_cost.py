"""What a bench costs against models, seeds, photos, pixels and runs already there: it should be linear in each.

    python -m benchmarks.scale.bench_cost [FACTOR ...] [--quick] [--out FILE]

One factor grows and the others stay: a small U-Net, four steps at 32 px, scored on ten photos, no sweeps. Each point is
a ``zoo bench`` in a process of its own; ``results/scale/bench.csv`` has the points, and the constant and slope of the
straight line through a factor's (least squares), with the largest distance of a point from it.
"""

from __future__ import annotations

import argparse
import datetime
import json
import runpy
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import numpy as np
import yaml

from benchmarks import measured
from zoo.core.strict_yaml import read_mapping

WRITER = Path(__file__).parents[2] / "tests" / "harness" / "results" / "synthetic_results.py"
SUITE = {
    "summary": "a few steps: what a bench costs beside its training",
    "size": 32,
    "batch": 4,
    "budget": {"steps": 4},
    "eval_hints": {"name": "pixels", "densities": [0.02]},
    "train_hints": {"name": "pixels", "densities": [0.02]},
    "metrics": ["psnr", "ssim", "delta_e00"],
    "test_limit": 10,
    "curve": 1,
    "threads": 1,
}
SEEDS_THERE = 3
"""Of each row that is there already."""
POINTS: dict[str, tuple[int, ...]] = {
    "models": (1, 4, 8, 16),
    "seeds": (1, 4, 8, 16),
    "photos": (10, 30, 60, 100),
    "pixels": (32**2, 64**2, 96**2, 128**2),
    "runs there": (0, 501, 1002, 2001),
}


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A bench, and the line of its factor: ``seconds`` ≈ ``constant`` + ``slope`` · ``count``, within ``within`` s."""

    factor: str
    count: int
    seconds: float
    constant: float
    slope: float
    within: float
    date: str = msgspec.field(default_factory=lambda: str(datetime.date.today()))


def bench(factor: str, count: int, folder: Path) -> float:
    """Wall seconds of one bench."""
    suite = dict(SUITE)
    rows = {f"unet_{number:04}": _row() for number in range(count if factor == "models" else 1)}
    if factor == "photos":
        suite["test_limit"] = count
    if factor == "pixels":
        suite["size"] = round(count**0.5)
    if factor == "runs there" and count:
        labels = [f"model_{number:04}" for number in range(count // SEEDS_THERE)]
        runpy.run_path(str(WRITER))["write_results"](
            folder / "out", labels, seeds=SEEDS_THERE, gain=0.01, pictures=False
        )
    (folder / "suite.yaml").write_text(yaml.safe_dump(suite), encoding="utf-8")
    (folder / "rows.yaml").write_text(yaml.safe_dump({"models": json.loads(json.dumps(rows))}), encoding="utf-8")
    asked = ["--models", ",".join(rows), "--suite", str(folder / "suite.yaml"), "--out", str(folder / "out")]
    asked += ["--seeds", str(count if factor == "seeds" else 1), "--device", "cpu"]
    began = time.perf_counter()
    command = [sys.executable, "-m", "zoo", "--registry", str(folder / "rows.yaml"), "bench", *asked]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def _row() -> dict[str, object]:
    """The registry's U-Net, small: a row of the user's own keeps its sizes, whatever the suite says."""
    table = read_mapping(Path(__file__).parents[2] / "registry.yaml")
    return {**table["models"]["unet"], "options": {"width": 4, "depth": 5}}


def line_through(counts: list[int], seconds: list[float]) -> tuple[float, float, float]:
    """Constant, slope, and the largest distance of a point."""
    slope, constant = np.polyfit(counts, seconds, 1)
    return float(constant), float(slope), float(np.abs(np.polyval((slope, constant), counts) - seconds).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("factors", nargs="*", metavar="FACTOR", choices=[*POINTS, []], default=[])
    parser.add_argument("--quick", action="store_true", help="the two smallest points of each")
    parser.add_argument("--out", type=Path, default=measured.RESULTS / "scale" / "bench.csv")
    told = parser.parse_args()
    for factor in told.factors or POINTS:
        counts = list(POINTS[factor][: 2 if told.quick else None])
        seconds = []
        for count in counts:
            with tempfile.TemporaryDirectory() as folder:
                seconds.append(bench(factor, count, Path(folder)))
            print(f"{count} {factor}: {seconds[-1]:.1f} s", flush=True)
        constant, slope, within = line_through(counts, seconds)
        print(f"{factor}: {constant:.1f} s + {slope:.3g} s each, within {within:.1f} s", flush=True)
        about = {"constant": constant, "slope": slope, "within": within}
        found = [Point(factor=factor, count=c, seconds=s, **about) for c, s in zip(counts, seconds, strict=True)]
        kept = [row for row in measured.read(told.out, Point) if row.factor != factor]
        measured.write(told.out, [*kept, *found], Point)


if __name__ == "__main__":
    main()
