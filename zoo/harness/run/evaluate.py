"""Scoring a finished run again: a metric it lacks, or another suite, without training."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from zoo.core.errors import BadInput
from zoo.core.files import locked, make_folder
from zoo.core.identity import part_identity, short_identity
from zoo.core.resolve import changed_since
from zoo.core.trained import load, read_spec
from zoo.harness.metrics.exact import means_of
from zoo.harness.plan.keys import protocol_of
from zoo.harness.plan.suite import (
    Suite,
    SuitePhotos,
    check_same_photos,
    describe_data,
    load_suite,
    open_photos,
    own_suite,
    scored_photos,
    with_canonical_sources,
)
from zoo.harness.results.columns import check_metric_names
from zoo.harness.results.leaderboard import rebuild
from zoo.harness.results.removal import refuse_published
from zoo.harness.results.run_record import RunRecord
from zoo.harness.results.store import RunFolder
from zoo.harness.run.seen import marks_elsewhere
from zoo.harness.run.workbench import on_device
from zoo.harness.scoring.scores import check_trunk, make_metrics, score_colorizer
from zoo.harness.training import device as devices


def evaluate(
    run_folder: Path,
    metrics: list[str] | None = None,
    lpips_trunk: Path | None = None,
    suite: str | None = None,
    device: str = "auto",
) -> dict[str, float | None]:
    """Score a trained run.

    Under its own suite the scores are written into the run (``scores.csv``, ``run.json``) and the
    leaderboard of its results folder is rebuilt. Under another suite they go into
    ``evaluations/<suite>/`` of the run's folder, and the run's own stay as they are.

    Args:
        metrics: which to compute; default all of the suite's.
        lpips_trunk: a local file with LPIPS' AlexNet weights.
        suite: another suite's name or file.

    Returns:
        The mean of each metric that could be computed.

    Raises:
        BadInput: no finished run is there, it is only read, a metric cannot be had, or a file is damaged.
        Changed: the photos are not those that the run was scored with, also where others have taken their names.
    """
    refuse_published(run_folder)
    folder = RunFolder(run_folder)
    record = folder.scored_record()
    target = with_canonical_sources(load_suite(suite)) if suite else own_suite(record, run_folder)
    is_own = suite is None or _is_own(target, record, run_folder)
    where = devices.pick_device(device)
    names = list(metrics or target.metrics)
    check_metric_names(names)
    check_trunk(lpips_trunk, names)
    rulers, notes = make_metrics(names, device=where, lpips_trunk=str(lpips_trunk or ""))
    if metrics and len(rulers) < len(names):
        raise BadInput(notes[0])
    changed = changed_since(read_spec(run_folder))
    if changed and is_own:
        raise BadInput(
            f"{run_folder} was trained by other code than its {' and '.join(changed)} have now; bench it again, "
            "or score it under a suite of another name."
        )
    notes += [f"trained by other code than its {' and '.join(changed)} have now"] if changed else []
    colorizer = load(run_folder)
    notes += colorizer.notes
    photos = open_photos(target)
    if is_own:
        _check_rulers(record, names, run_folder)
        # What it was trained on matters only to what looks at it again.
        splits = ("train", "test") if "reference" in colorizer.extras else ("test",)
        check_same_photos(record.data, describe_data(target, photos), splits)
    batches = scored_photos(target, photos, colorizer.extras, where)
    # The error at the hints is no registered metric: it comes with the suite's own, and is not asked for by name.
    scored = score_colorizer(on_device(colorizer, target, where), batches, rulers, adherence=metrics is None).per_image
    means, without = means_of(scored)
    notes += without
    results = folder.results
    with locked((results or run_folder) / ".lock"):
        if is_own:
            _merge(folder, record, list(photos.test.names), scored, means, notes)
            if results is not None:
                with contextlib.suppress(BadInput):
                    rebuild(results)
        else:
            other = RunFolder(run_folder / "evaluations" / target.name)
            make_folder(other.path)
            other.write_scores(photos.test.names, scored)
            record = msgspec.structs.replace(
                _under(target, photos, record),
                scores=means,
                images=len(photos.test),
                notes=[*notes, *marks_elsewhere(record, run_folder, target, photos.test)],
            )
            other.write_record(record)
    return means


def _is_own(suite: Suite, record: RunRecord, run_folder: Path) -> bool:
    """Whether the run was made under ``suite``; not where its record no longer says."""
    try:
        return suite == own_suite(record, run_folder)
    except BadInput:
        return False


def _check_rulers(record: RunRecord, names: Sequence[str], run_folder: Path) -> None:
    """A metric that the run was scored by must still be the one that its record names; a new one may join.

    Raises:
        BadInput: it is not, and the other rows of the table were scored by the old one.
    """
    recorded = {each.partition(":")[0]: each for each in record.protocol.metrics or []}
    for name in names:
        now = short_identity(part_identity("metrics", name))
        # Records of before parts had identities hold a name and a version.
        if recorded.get(name, now) not in (now, now.partition(" ")[0]):
            raise BadInput(
                f"{run_folder} was scored by another {name} than this zoo has; give its bench again to score all anew."
            )


def _under(target: Suite, photos: SuitePhotos, record: RunRecord) -> RunRecord:
    """The run's record under another suite: scored by its protocol, trained by the run's own.

    Sweeps and draws belong to the run's own suite and are left out.
    """
    data = msgspec.structs.replace(record.data, test=describe_data(target, photos).test)
    trained = {field: getattr(record.protocol, field) for field in ("train", "load_size", "batch", "budget", "recipe")}
    for field, value in trained.items():
        if value is msgspec.UNSET:
            raise BadInput(f"The run's record does not say under which {field} it was trained.")
    trained["train_sizes"] = record.protocol.train_sizes  # unset where all were of one
    unswept = msgspec.structs.replace(target, sweeps={}, sweep_limit=None)
    return msgspec.structs.replace(
        record,
        levels=[],
        drawn=msgspec.UNSET,
        suite=target.name,
        data=data,
        protocol=msgspec.structs.replace(protocol_of(unswept, data, {}), **trained).sealed(),
    )


def _merge(
    folder: RunFolder,
    record: RunRecord,
    names: list[str],
    scored: dict[str, list[float]],
    means: dict[str, float | None],
    notes: list[str],
) -> None:
    """Add new scores to the run's own; the photos must be the ones it was scored on."""
    before, kept = folder.scores()
    if before != names:
        raise BadInput(f"{folder.path} was scored on other photos than its suite gives now; use another suite name.")
    folder.write_scores(names, {**kept, **scored})
    outdated = tuple(f"{name}: " for name in scored)
    remaining = [note for note in record.notes if not note.startswith(outdated)]
    new = [note for note in notes if note not in remaining]
    folder.write_record(msgspec.structs.replace(record, scores={**record.scores, **means}, notes=[*remaining, *new]))
