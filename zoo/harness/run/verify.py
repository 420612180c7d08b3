"""A stranger's run, scored again: from its weights, or from the predictions that it comes with.

The mark is in the run's own record, and holds for the scores.csv that it was given to. It says that whoever has this
folder scored it again; a folder from elsewhere is believed after it was verified here, not before.
"""

from __future__ import annotations

import contextlib
import datetime
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

import zoo
from zoo.core.errors import BadInput, Changed, ZooError
from zoo.core.files import locked, sha256_of
from zoo.core.photo import read_photo
from zoo.core.trained import load
from zoo.harness.data.bank import PhotoBank
from zoo.harness.metrics.exact import means_of
from zoo.harness.metrics.pairs import pair_names
from zoo.harness.metrics.score import score
from zoo.harness.plan.keys import protocol_of
from zoo.harness.plan.suite import (
    Suite,
    SuitePhotos,
    check_same_photos,
    describe_data,
    open_photos,
    own_suite,
    scored_photos,
)
from zoo.harness.results.leaderboard import rebuild
from zoo.harness.results.removal import refuse_published
from zoo.harness.results.run_record import Checked, RunRecord
from zoo.harness.results.store import RunFolder
from zoo.harness.run.workbench import on_device
from zoo.harness.scoring.scores import make_metrics, score_colorizer
from zoo.harness.training import device as devices

MEAN_TOLERANCE, PHOTO_TOLERANCE = 1e-3, 1e-2
"""How far a mean and a photo's score may be off, as a share of the score, or of 1 where that is less: 0.02 dB and
0.2 dB at 20 dB of PSNR. Machines differ in the last digits of sums, and a pixel then in how it is rounded."""
PREDICTIONS = "predictions"
"""The folder in a run's: an image for each of scores.csv, named after it, of the suite's size."""
_SCORED = ("version", "size", "fit", "test", "eval_hints", "hint_seed", "old_print", "metrics")
"""What of a protocol decides the scores of weights that are there."""


def verify(run_folder: Path, *, data: str | None = None, device: str = "auto") -> Checked:
    """Score a finished run again, mark it, and write the tables of its results folder anew.

    Args:
        data: where its test photos lie here, in the place of where they lay for whoever made the run.

    Returns:
        The mark, as it stands in the record.

    Raises:
        BadInput: no finished run is there, it is published, or its photos are not here.
    """
    refuse_published(run_folder)
    folder = RunFolder(run_folder)
    record = folder.scored_record()
    suite = own_suite(record, run_folder)
    if data is not None:
        # The photos are known by their content, wherever they lie.
        suite = msgspec.structs.replace(suite, **{"test_data" if suite.test_data else "data": data})
    photos = open_photos(suite)
    try:
        check_same_photos(record.data, describe_data(suite, photos), ("test",))
    except Changed as error:
        if data is None:
            raise
        raise BadInput(f"--data {data}: these are not the photos that the run was scored on; name those.") from error
    by: Literal["weights", "predictions", ""] = ""
    why = ""
    try:
        _check_protocol(record, suite, photos)
        by, scores = _scored(folder, record, suite, photos, device)
        why = difference(folder, record.scores, photos.test.names, scores)
    except ZooError as error:
        why = str(error)
    return mark(folder, record, by, why)


def _check_protocol(record: RunRecord, suite: Suite, photos: SuitePhotos) -> None:
    """
    Raises:
        BadInput: the record's protocol, by which it is ranked, is not that of the suite that it says it ran under.
    """
    plain = msgspec.structs.replace(suite, sweeps={}, sweep_limit=None)
    now = protocol_of(plain, describe_data(suite, photos), {})
    for field in _SCORED:
        if getattr(now, field) != getattr(record.protocol, field):
            raise BadInput(f"its protocol has another {field} than this zoo gives its suite")
    if record.protocol.sealed().fingerprint != record.fingerprint:
        raise BadInput("its protocol's fingerprint is not that of its fields")


def _scored(
    folder: RunFolder, record: RunRecord, suite: Suite, photos: SuitePhotos, device: str
) -> tuple[Literal["weights", "predictions"], Mapping[str, Sequence[float]]]:
    """What was scored, and a score a photo of each metric that can be had here.

    Raises:
        ZooError: there is nothing to score, or it cannot be read.
    """
    metrics = [name for name in suite.metrics if name in folder.scores()[1]]
    if folder.weights.is_file():
        where = devices.pick_device(device)
        colorizer = load(folder.path)
        rulers, _ = make_metrics(metrics, device=where)
        batches = scored_photos(suite, photos, colorizer.extras, where)
        return "weights", score_colorizer(on_device(colorizer, suite, where), batches, rulers).per_image
    pictures = folder.path / PREDICTIONS
    if not pictures.is_dir():
        raise BadInput(f"there are neither weights nor {PREDICTIONS}/ to score")
    had, _ = make_metrics(metrics, device=devices.pick_device("cpu"))
    found = pair_names(pictures, photos.test.names)
    return "predictions", of_predictions(found, photos.test, [metric.name for metric in had])


def of_predictions(found: Mapping[str, Path], test: PhotoBank, metrics: Sequence[str]) -> dict[str, list[float]]:
    """A score a photo of each metric, of the pictures that belong to the photos.

    Raises:
        BadInput: a picture that cannot be read or has another size.
    """
    rows = []
    for name, truth in zip(test.names, test.tensor().permute(0, 2, 3, 1).numpy(), strict=True):
        picture = read_photo(found[name])
        try:
            rows.append(score(picture, np.ascontiguousarray(truth), metrics))
        except BadInput as error:
            raise BadInput(f"{found[name]}: {error}") from None
    return {metric: [row[metric] for row in rows] for metric in metrics}


def mark(folder: RunFolder, record: RunRecord, by: Literal["weights", "predictions", ""], why: str) -> Checked:
    """Write the mark into a run's record, and the tables of its results folder anew.

    Args:
        why: why it is self-reported; empty where it is verified.
    """
    checked = Checked(
        verdict="self-reported" if why else "verified",
        by=by,
        scores_sha256=sha256_of(folder.path / "scores.csv"),
        why=why,
        zoo=zoo.__version__,
        date=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
    )
    results = folder.results
    with locked((results or folder.path) / ".lock"):
        folder.write_record(msgspec.structs.replace(record, checked=checked))
        if results is not None:
            with contextlib.suppress(BadInput):
                rebuild(results)
    return checked


def difference(
    folder: RunFolder, means: Mapping[str, float | None], names: Sequence[str], found: Mapping[str, Sequence[float]]
) -> str:
    """Where the numbers of a folder's scores.csv, or the means that are said, are not those that were found.

    Returns:
        A clause; empty where all of them agree.
    """
    images, said = folder.scores()
    if sorted(images) != sorted(names):
        return "its scores are of other photos than its suite's"
    if "psnr" not in found:
        return "its PSNR cannot be had here"
    at = [images.index(name) for name in names]
    said = {metric: [said[metric][place] for place in at] for metric in found}
    mine, told = means_of(found)[0], means_of(said)[0]
    for metric, scores in found.items():
        for image, here, there in zip(names, scores, said[metric], strict=True):
            if _apart(here, there, PHOTO_TOLERANCE):
                return f"{metric} of {image} is {here:.4f} here, and {there:.4f} in its scores.csv"
        for where, value in (("scores.csv", told[metric]), ("run.json", means.get(metric))):
            if _apart(mine[metric], value, MEAN_TOLERANCE):
                return f"its mean {metric} is {mine[metric]} here, and {value} in its {where}"
    return ""


def _apart(mine: float | None, theirs: float | None, tolerance: float) -> bool:
    gaps = [value is None or math.isnan(value) for value in (mine, theirs)]
    if mine is None or theirs is None or any(gaps):
        return gaps[0] != gaps[1]
    return abs(mine - theirs) > tolerance * max(1.0, abs(mine))
