"""A bench's folder, made fit to be published: the photos' folders are called by their names, not by where they lay.

    python benchmarks/publish.py benches/gachon256 results/gachon256

Copies the runs that the tables show, but for weights, logs and locks; then the tables and the report are written anew.
A run that is to go on is left out, and so are a row that has no other, and what was published of a row and seed before.
Where the photos lay decides no number and is in no key. A bench into the published folder would train again what it
was asked for, since the weights are not there.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from zoo.core.by_name import called_by_name
from zoo.core.errors import Stopped
from zoo.harness.results.finished_runs import read_results
from zoo.harness.results.planned import NAME as PLANNED
from zoo.harness.results.planned import RowKey, read_planned, remember
from zoo.harness.results.report import write_report
from zoo.harness.results.run_record import RunRecord
from zoo.harness.results.store import run_folders

LEFT_BEHIND = ("*.safetensors", "checkpoint*.pt", "output.log", ".lock*", ".bench.json", ".again")


def publish(bench: Path, published: Path) -> None:
    """Write what is to be published of ``bench`` into ``published``, over what it holds already."""
    shown = {
        run.folder.path: run.record for run in read_results(bench) if run.shown and run.record.status != Stopped.status
    }
    others = [folder for folder in bench.glob("runs/*/*") if folder not in shown]
    bare = [folder.name for folder in bench.glob("runs/*") if not any(path.parent == folder for path in shown)]
    left = shutil.ignore_patterns(*LEFT_BEHIND, *(folder.name for folder in others), *bare)
    _forget_earlier(published, shown.values())
    before = read_planned(published)
    shutil.copytree(bench, published, ignore=left, dirs_exist_ok=True)
    _forget_unfinished(published, {**before, **read_planned(bench)})
    for file in published.glob("runs/*/*/run.json"):
        record = called_by_name(json.loads(file.read_text(encoding="utf-8")))
        file.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    write_report(published)


def _forget_earlier(published: Path, records: Iterable[RunRecord]) -> None:
    """What was published of these rows and seeds before gives way to what they are now."""
    rows = {(record.protocol.fingerprint, record.label, record.seed) for record in records}
    for folder in run_folders(published):
        before = folder.record()
        if before is not None and (before.protocol.fingerprint, before.label, before.seed) in rows:
            shutil.rmtree(folder.path)


def _forget_unfinished(published: Path, planned: Mapping[RowKey, str]) -> None:
    """Of rows that have no run yet neither a plan nor a step's time is published: they would be empty rows.

    Args:
        planned: by row, what was published before and what the bench has, which may be of a few of the rows.
    """
    records = [record for folder in run_folders(published) if (record := folder.record())]
    keys, trained = ({getattr(record, name) for record in records} for name in ("key", "training_key"))
    (published / PLANNED).unlink(missing_ok=True)
    remember(published, {row: key for row, key in planned.items() if key in keys})
    for file in published.glob("step_times/*.json"):
        if file.stem.rpartition("-")[2] not in trained:
            file.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=Path)
    parser.add_argument("published", type=Path)
    arguments = parser.parse_args()
    publish(arguments.bench, arguments.published)


if __name__ == "__main__":
    main()
