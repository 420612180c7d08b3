"""Which propagator serves a row best: every row that reads hints, upon none, both pyramids and Levin's solver.

    python benchmarks/propagation/study.py [--out benches/propagation] [--models all,-r2*] [--table FILE.csv]

A row is trained as ``zoo bench --set propagator=NAME`` trains it, under ``study.yaml`` beside this file: the budget and
the photos of the suite quick, one seed, scored on the *validation* photos, since a choice must not see a test photo.
Rows that were cheap in ``results/quick`` come first, each with all its propagators. What is done is skipped, so that
the study can be stopped and taken up again at any run. ``--table`` writes what there is by then; alone with
``--models none`` it trains nothing.
"""

from __future__ import annotations

import argparse
import csv
import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from zoo.cli.progress import watching
from zoo.core.files import csv_text
from zoo.core.registry import current
from zoo.core.resolve import resolve
from zoo.core.spec import ModelRow
from zoo.harness.plan.selection import select_models
from zoo.harness.results.finished_runs import Result, read_results
from zoo.harness.results.ranks import Family
from zoo.harness.run.bench import bench
from zoo.harness.run.request import BenchRequest

HERE = Path(__file__).parent
PROPAGATORS = ("none", "pyramid", "spun_pyramid", "levin2004")
COLUMNS = ("model", "propagator", "photos", "psnr", "less_none", "low", "high", "ssim", "delta_e00", "train_s")
BLIND = ("ddcolor", "gupta2012", "welsh2002")
"""Rows with a network that read no hints; those that are told the truth or nothing are baselines."""


def rows(chosen: str) -> list[str]:
    """The chosen rows that read hints by a network, cheap ones first."""
    seconds = _seconds()
    names = [name for name in select_models(chosen)[0] if name not in BLIND and _reads(name)]
    return sorted(names, key=lambda name: seconds.get(name, 25.0))


def _reads(name: str) -> bool:
    row = current().entry("models", name).row
    return isinstance(row, ModelRow) and not row.baseline and bool(set(resolve(name).parts) - {"propagator"})


def _seconds() -> dict[str, float]:
    with open(HERE.parents[1] / "results" / "quick" / "leaderboard.csv", encoding="utf-8", newline="") as file:
        return {row["model"]: float(row["train_s"]) for row in csv.DictReader(file) if row["train_s"]}


def train(model: str, out: Path) -> None:
    """All propagators of one row, each into the folder of its name."""
    for propagator in PROPAGATORS:
        request = BenchRequest(
            models=model,
            suite=str(HERE / "study.yaml"),
            options={"propagator": propagator},
            device="cpu",
            jobs=1,
            out=out / propagator,
        )
        with watching() as reporter:
            bench(request, reporter)


def table(out: Path) -> Iterator[dict[str, Any]]:
    """A row a model and propagator, of the models that are done: by model, in the order of :data:`PROPAGATORS`."""
    done = {propagator: _done(out / propagator) for propagator in PROPAGATORS}
    for model in sorted(set().union(*done.values())):
        found = {propagator: done[propagator][model] for propagator in PROPAGATORS if model in done[propagator]}
        if len(found) < len(PROPAGATORS):
            continue
        family = Family({name: np.array([run.scores["psnr"]]) for name, run in found.items()}, fixed=list(found))
        for propagator, run in found.items():
            less, means = family.compare(propagator, "none"), run.record.scores
            yield {
                "model": model,
                "propagator": propagator,
                "photos": run.record.images,
                "psnr": f"{means['psnr']:.3f}",
                "less_none": f"{less.difference:.3f}",
                "low": f"{less.low:.3f}",
                "high": f"{less.high:.3f}",
                "ssim": f"{means['ssim']:.4f}",
                "delta_e00": f"{means['delta_e00']:.3f}",
                "train_s": f"{run.record.costs['train_s'] or 0:.1f}",
            }


def _done(folder: Path) -> dict[str, Result]:
    return {run.record.model: run for run in read_results(folder) if run.ok} if folder.is_dir() else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("benches/propagation"))
    parser.add_argument("--models", default="all", help="as zoo bench takes them, or none")
    parser.add_argument("--table", type=Path, help="write the table there")
    arguments = parser.parse_args()
    for model in rows(arguments.models) if arguments.models != "none" else ():
        train(model, arguments.out)
    if arguments.table:
        header = (
            f"# {datetime.date.today()}: the suite quick's budget, one seed, its validation photos at its hints; "
            "PSNR in dB\n"
            "# less_none: paired difference to the row without a propagator, low and high its 95 % interval over "
            "photos; train_s: beside other work\n"
        )
        arguments.table.write_text(header + csv_text(COLUMNS, list(table(arguments.out))), encoding="utf-8")


if __name__ == "__main__":
    main()
