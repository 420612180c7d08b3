"""Where a colorizer comes from: what decides its answers, and how long it has learnt.

Told from a run's record and the bytes of its weights, so that nothing is built to find out whether a result of
this very colorizer is there already.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from zoo.core.errors import BadInput
from zoo.core.files import sha256_of
from zoo.core.given_weights import given_weights
from zoo.core.recorded import spec_of_record
from zoo.core.resolve import resolve
from zoo.core.spec import ModelSpec, fingerprint
from zoo.core.trained import check_ready, read_record, refuse_options, run_folder, weights_of, works_at


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Attributes:

    name: the model's.
    identity: a hash of its parts, their options and versions, and its weights: equal ones answer alike.
    weights: the first digits of the weights' SHA-256; empty for a model that has none.
    run: whether it is a run's; else it is a model by name, that has nothing to learn.
    steps: how long it was trained: 0 for a model that has nothing to learn, None where nobody says.
    suite: under which protocol.
    works_at: the longer side of the photos that it was trained on, where that is known.
    """

    name: str
    identity: str
    weights: str = ""
    run: bool = False
    steps: int | None = 0
    suite: str = ""
    works_at: int | None = None


def origin_of(
    name_or_run: str | Path, weights: str | Path | None = None, options: Mapping[str, Any] | None = None
) -> Origin:
    """The origin of what :func:`~zoo.core.trained.load` would load, given the same.

    Raises:
        BadInput: no such run, or one whose record or weights cannot be read.
        Unavailable: published weights that cannot be downloaded here.
        ZooError: no such model, or one that cannot be resolved.
    """
    if weights is not None:
        given = given_weights(str(name_or_run), weights, options)
        spec = resolve(str(name_or_run), {**given.options, **(options or {})})
        return Origin(name=spec.name, identity=_identity(spec, given.sha256), weights=given.sha256[:12], steps=None)
    folder = run_folder(name_or_run)
    refuse_options(folder, options)
    if folder is None:
        check_ready(str(name_or_run))
        spec = resolve(str(name_or_run), options)
        return Origin(name=spec.name, identity=_identity(spec, ""))
    record = read_record(folder)
    spec = spec_of_record(record.spec)
    digest = _digest(weights_of(folder))
    return Origin(
        name=spec.name,
        identity=_identity(spec, digest),
        weights=digest[:12],
        run=True,
        steps=record.steps,
        suite=record.suite,
        works_at=works_at(folder),
    )


def _identity(spec: ModelSpec, weights: str) -> str:
    return fingerprint({"spec": spec.identity(), "weights": weights}, 32)


def _digest(file: Path) -> str:
    try:
        return sha256_of(file)
    except OSError as error:
        raise BadInput(f"{file} cannot be read ({error.strerror or error}); give another run.") from None
