"""Why a run is to do though its row was done before: its weights are gone, or what decides it is not what it was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from zoo.core.spec import canonical_json
from zoo.harness.plan.planned_run import PlannedRun, Run, UnresolvedRun
from zoo.harness.results.run_record import RunRecord
from zoo.harness.results.store import RunFolder, scored_runs
from zoo.harness.run.reporter import Reporter

SHOWN = 5


def tell_why_anew(results: Path, runs: Sequence[Run], reporter: Reporter) -> None:
    """Note why runs are to do again, the first few of them by name."""
    sentences = [sentence for run in runs if (sentence := why_anew(results, run))]
    for sentence in sentences[:SHOWN]:
        reporter.note(sentence)
    if len(sentences) > SHOWN:
        reporter.note(f"{len(sentences)} runs are to do again in all")


def why_anew(results: Path, run: Run) -> str:
    """A sentence for a run whose row has a finished run, of another key or without weights; empty where it has none."""
    if isinstance(run, UnresolvedRun):
        return ""
    before = _before(results, run)
    if before is None or not before.made_of:
        return ""
    own = RunFolder(results / run.folder).record()
    if own is not None and own.ok:
        return f"{run.name}: to do again, its weights are not here"
    made_of, then = msgspec.to_builtins(run.spec.made_of), before.made_of
    changed = [
        f"its {role} ({_what(made_of.get(role), then.get(role))})"
        for role in dict.fromkeys([*made_of, *then])
        if canonical_json(made_of.get(role)) != canonical_json(then.get(role))
    ]
    return f"{run.name}: to do again, {' and '.join(changed) or 'what it is trained with'} is not what it was"


def _before(results: Path, run: PlannedRun) -> RunRecord | None:
    """The last finished run of the same row and seed."""
    found = [record for _, record in scored_runs(results, run.model, run.seed) if record.row == run.row]
    return max(found, key=lambda record: (record.provenance.finished, record.key), default=None)


def _what(now: Any, then: Any) -> str:
    """Which words of a part's identity differ."""
    if not isinstance(now, dict) or not isinstance(then, dict):
        return "there or not"
    return ", ".join(key for key in dict.fromkeys([*now, *then]) if now.get(key) != then.get(key))
