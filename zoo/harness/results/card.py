"""The model card of a run: what it is, on what and how it was trained, and how well it does, from its record alone.

Markdown with YAML before it, as the Hugging Face Hub reads it: ``README.md`` of a published run, and the card of the
colorizer that comes with the zoo.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import yaml

from zoo.core.by_name import called_by_name
from zoo.core.errors import ZooError
from zoo.core.registry import current
from zoo.core.trained import training_command
from zoo.harness.results.measured import METRICS
from zoo.harness.results.run_record import RunRecord
from zoo.harness.results.statistics import interval
from zoo.harness.results.store import RunFolder

LICENCE = "other"
"""The Hub's word for weights of which nobody has said under which licence they are."""

_OWN_PHOTOS = "photos"
"""The source of the photos that come with the zoo."""


def card(folder: Path, *, licence: str = LICENCE, repo: str = "", suite: Sequence[str] = ()) -> str:
    """The card's text.

    Args:
        folder: a finished run's.
        licence: of the weights, as the Hub abbreviates it (``cc-by-4.0``).
        repo: under which name it is pulled; empty for a card that stands elsewhere.
        suite: what was set of its suite (:func:`zoo.harness.plan.settings.suite_set_in`), for the command.

    Raises:
        BadInput: no run, one without scores, or scores that cannot be read.
    """
    run = RunFolder(folder)
    record = msgspec.convert(called_by_name(json.loads(run.scored_record().json())), RunRecord)
    sections = [
        f"---\n{yaml.safe_dump(_metadata(record, licence), sort_keys=False, allow_unicode=True)}---",
        f"# {record.label}",
        f"{_summary(record)}It gives a grey photo its colours.{_on_hints(record)}",
        _use(repo or str(folder)),
        f"## Training\n\n{_training(record, suite)}",
        f"## Scores\n\n{_scores(run, record)}",
        f"## Licence and size\n\n{_licence(record, licence)}\n\n{_size(run, record)}",
    ]
    return "\n\n".join(sections) + "\n"


def _metadata(record: RunRecord, licence: str) -> dict[str, Any]:
    found = [
        {"type": column.name, "name": column.title, "value": round(value, column.decimals)}
        for column in METRICS
        if (value := record.scores.get(column.name)) is not None
    ]
    data = {"type": record.data.test.source, "name": f"{record.suite}, {record.data.test.photos} photos"}
    task = {"type": "image-to-image", "name": "Image colorization"}
    return {
        "license": licence,
        "library_name": "colorizer-zoo",
        "pipeline_tag": "image-to-image",
        "tags": ["image-colorization", "colorizer-zoo", record.model],
        "model-index": [{"name": record.label, "results": [{"task": task, "dataset": data, "metrics": found}]}],
    }


def _row(record: RunRecord) -> Any:
    """The model's row, or None where this zoo has no such model (any more)."""
    try:
        return current().model_row(record.model)
    except ZooError:
        return None


def _summary(record: RunRecord) -> str:
    row = _row(record)
    source = f" ({row.source})" if row is not None and row.source else ""
    return f"`{record.model}`: {row.summary}{source}. " if row is not None and row.summary else ""


def _on_hints(record: RunRecord) -> str:
    """Whether a hint changed anything where it was measured: more hints, other scores."""
    reads = len({level.psnr for level in record.levels}) > 1
    return f" Colour hints are {'' if reads else 'not '}read." if record.levels else ""


def _use(run: str) -> str:
    pulled = run.rpartition("/")[2]
    fetch = f"zoo pull {run}\n" if "/" in run else ""
    return f"```sh\n{fetch}zoo colorize photo.jpg --with {pulled if fetch else run}\n```"


def _training(record: RunRecord, suite: Sequence[str]) -> str:
    made, steps, seconds = record.provenance, record.steps, record.costs.get("train_s")
    length = [f"{steps} steps"] if steps else []
    length += [f"{seconds:.0f} s"] if seconds else []
    batch = f", {record.plan.batch} photos a step" if record.plan.batch and steps else ""
    if batch and record.protocol.train_sizes:
        sizes = ", ".join(map(str, record.protocol.trained_at))
        batch += f" of {record.protocol.size} px or as many pixels at another size ({sizes} px)"
    lines = [
        f"- photos: {record.data.told}",
        f"- how long: {' in '.join(length) or 'nothing to train'}{batch}, recipe `{record.recipe}`, seed {record.seed}",
        f"- by: `{training_command(record, suite)}`"
        + ("" if record.data.train.source == _OWN_PHOTOS else f" with `--data` of {record.data.train.source}"),
        f"- on: {made.device}" + (f" ({made.machine})" if made.machine else "") + f", torch {made.torch}, "
        f"zoo {made.zoo}" + (f", commit {made.commit}" if made.commit else "") + f", {record.date}",
    ]
    return "\n".join([*lines, *(f"- note: {note}" for note in record.notes)])


def _scores(run: RunFolder, record: RunRecord) -> str:
    names, scores = run.scores()
    seen = "may have seen (see the note)" if record.may_have_seen else "was not trained on"
    lines = [
        f"{len(names)} photos that it {seen}, at {record.protocol.size} px, suite `{record.suite}`, "
        f"protocol `{record.fingerprint}`; 95 % intervals over photos, of this one seed.",
        "",
        "| metric | mean | interval |",
        "|---|---|---|",
    ]
    for column in METRICS:
        values = np.array(scores.get(column.name, []))
        if np.isfinite(values).any():
            found = interval(values[None])
            low, mean, high = (f"{value:.{column.decimals}f}" for value in (found.low, found.mean, found.high))
            better = "higher" if column.higher_is_better else "lower"
            lines.append(f"| {column.title} ({better} is better) | {mean} | {low} to {high} |")
    for sweep in dict.fromkeys(level.sweep for level in record.levels):
        levels = [level for level in record.levels if level.sweep == sweep and level.psnr is not None]
        told = ", ".join(f"{level.level:g}: {level.psnr:.2f}" for level in levels)
        lines += ["", f"PSNR by hints, sweep `{sweep}`, {levels[0].photos} photos: {told}."] if levels else []
    return "\n".join(lines)


def _licence(record: RunRecord, licence: str) -> str:
    said = "no licence of these weights is stated" if licence == LICENCE else f"these weights: {licence}"
    row = _row(record)
    original = f"; the original of the model: {row.licence}" if row is not None and row.licence else ""
    photos = (
        "; the photos it was trained on have free licences of their own, per file in the zoo's CREDITS.csv"
        if record.data.train.source == _OWN_PHOTOS and record.data.train.photos
        else ""
    )
    return f"The zoo's code is Apache-2.0; {said}{original}{photos}."


def _size(run: RunFolder, record: RunRecord) -> str:
    parameters = record.costs.get("params_m")
    told = [f"{parameters:.2f} million parameters"] if parameters is not None else []
    if run.weights.is_file():
        told.append(f"{run.weights.stat().st_size / 2**20:.1f} MiB of weights (safetensors)")
    if record.weights_sha256 is not msgspec.UNSET and record.weights_sha256:
        told.append(f"SHA-256 `{record.weights_sha256}`")
    return ", ".join(told) + "."
