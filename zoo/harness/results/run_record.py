"""``run.json``: everything about one run, and where its numbers come from.

This is the only definition of its fields, but for those that tell of its model (:class:`zoo.core.spec.ModelRecord`).
"""

from __future__ import annotations

import datetime
import json
import platform
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

import zoo
from zoo.core.errors import BadInput
from zoo.core.process import commit, processor
from zoo.core.spec import SCHEMA, ModelRecord, pretrained, sizes
from zoo.harness.results.protocol import Protocol, SweptHints
from zoo.harness.training.budget import Budget

MAY_HAVE_SEEN = "may have seen the test photos: "
RESEMBLE = "resemble photos that it was trained on"
"""What a note begins with that marks a row, before the reason."""

DISTURBED = "costs were measured beside other work"
"""How the note of costs begins that were taken while others kept the machine busy."""

_UNRANKED_BEFORE = ("gray", "mean_ab", "oracle_quarter")
"""Whose records said nothing of it before there was the field ``ranked``."""


class Provenance(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where and when a run was made: ``machine`` is its processor; ``finished`` is in UTC, ISO 8601.

    ``world_size`` and ``backend`` are of a run that several devices trained together: how many, and how they talk.
    """

    zoo: str
    torch: str
    python: str = ""
    device: str
    machine: str = ""
    commit: str | None
    finished: str
    world_size: int | msgspec.UnsetType = msgspec.UNSET
    backend: str | msgspec.UnsetType = msgspec.UNSET


def here_and_now(device: str, **more: Any) -> Provenance:
    """Of a run that ends now on ``device``; ``more`` are the fields that few runs have."""
    import torch

    return Provenance(
        zoo=zoo.__version__,
        torch=str(torch.__version__),
        python=platform.python_version(),
        device=device,
        machine=processor(),
        commit=commit(),
        finished=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **more,
    )


class Photos(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One side of a run's data: whose photos, which of them were left out, with the reason, and what else was noted.

    ``split`` is which of the source's photos they are; records without it are older than validation photos.
    """

    source: str
    photos: int
    fingerprint: str = ""
    skipped: list[tuple[str, str]] | msgspec.UnsetType = msgspec.UNSET
    notes: list[str] | msgspec.UnsetType = msgspec.UNSET
    monochrome: list[str] | msgspec.UnsetType = msgspec.UNSET
    split: str | msgspec.UnsetType = msgspec.UNSET


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a run was trained on, scored on, and looked at on the way: the points of its curve are of ``validation``.

    The photos of ``test`` are those that were scored: the validation photos where recipes were to be chosen. In records
    without ``validation`` the curve is of the scored photos too, or there was nothing to look at.
    """

    train: Photos
    test: Photos
    validation: Photos | msgspec.UnsetType = msgspec.UNSET

    def __str__(self) -> str:
        """``photos 224 / photos 105``; what is scored is named where it is not the test photos."""
        scored = f" {self.test.split}" if self.test.split == "validation" else ""
        return f"{self.train.source} {self.train.photos} / {self.test.source}{scored} {self.test.photos}"

    @property
    def told(self) -> str:
        """Which photos were used for what, in words."""
        found = [f"{self.train.photos} to train on ({self.train.source})"] if self.train.photos else []
        found += [f"{self.validation.photos} for validation"] if self.validation and self.train.photos else []
        scored = ", validation" if self.test.split == "validation" else ""
        return ", ".join([*found, f"{self.test.photos} to score on ({self.test.source}{scored})"])


class SuiteSaid(msgspec.Struct, frozen=True):
    """What is looked at of a suite beside the numbers. Its other fields, another zoo's too, are let by."""

    summary: str = ""
    train_hints: str | dict[str, Any] | None = None
    trains: bool = True
    pictures: bool = True
    sweeps: dict[str, SweptHints] = {}


class SpecSaid(msgspec.Struct, frozen=True):
    """What is looked at of a model's spec for its sizes; empty in records of before rows told them."""

    effective: dict[str, dict[str, Any]] = {}
    paper: dict[str, Annotated[int, msgspec.Meta(ge=1)]] = {}


class HintLevel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One level of a hint sweep: hints a photo, or the share of pixels hinted; the means over the photos."""

    sweep: str
    level: int | float
    photos: int
    psnr: float | None
    hint_error: float | None


class CurvePoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The PSNR of the validation photos at some point of the training; ``seconds`` of training, without the looks."""

    step: int
    seconds: float
    psnr: float | None = None


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was asked for. Suites and recipes are kept as they were: another zoo's may have other fields."""

    recipe: dict[str, Any] | None = None
    suite: dict[str, Any] = {}
    batch: int | None = None
    budget: Budget | None = None
    train_hints: str | dict[str, Any] | None = msgspec.field(name="hints", default=None)

    def __post_init__(self) -> None:
        self.suite_said  # noqa: B018  # a record with a suite that cannot be read is damaged

    @property
    def suite_said(self) -> SuiteSaid:
        return msgspec.convert(self.suite, SuiteSaid)


class Checked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What ``zoo verify`` found: ``verdict`` is ``verified`` where scoring again gave the scores of the run.

    ``by`` is what was scored, ``weights`` or ``predictions``, or empty where neither was there; ``scores_sha256`` is of
    the scores.csv that it holds for, another one is self-reported again; ``why`` says why not.
    """

    verdict: Literal["verified", "self-reported"]
    by: Literal["weights", "predictions", ""] = ""
    scores_sha256: str = ""
    why: str = ""
    zoo: str
    date: str


class RunRecord(ModelRecord, msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One run: which it is, how it ended, what it scored and cost, and under what it was made.

    ``higher_is_better`` is each metric's own word on which end is the better one.
    ``ranked`` is whether it takes part in the ranking; records without it are older than the field.
    ``levels``, in the file ``hints``, are those of the hint sweeps, the mean over the photos each.
    ``drawn``, in the file ``samples``, are the means over ``k`` random draws: ``diversity``, ``<metric>_mean`` and
    ``<metric>_best``.
    A run that came to no score has neither costs nor images. ``training_key`` is of what decides the weights,
    ``scoring_key`` of what is measured on them (:mod:`zoo.harness.plan.keys`); ``key`` is of both.
    """

    key: str
    training_key: str | msgspec.UnsetType = msgspec.UNSET
    scoring_key: str | msgspec.UnsetType = msgspec.UNSET
    status: str
    error: str
    baseline: bool = False
    ranked: bool | msgspec.UnsetType = msgspec.UNSET
    notes: list[str] = []
    scores: dict[str, float | None] = {}
    higher_is_better: dict[str, bool] = {}
    images: int | None = None
    levels: list[HintLevel] = msgspec.field(name="hints", default_factory=list)
    drawn: dict[str, int | float | None] | msgspec.UnsetType = msgspec.field(name="samples", default=msgspec.UNSET)
    costs: dict[str, float | None] = {}
    curve: list[CurvePoint] = []
    precision: str | None = None
    protocol: Protocol
    data: Data
    recipe: str
    plan: Plan = Plan()
    provenance: Provenance
    checked: Checked | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        if not self.protocol.fingerprint:
            raise ValueError("protocol has no fingerprint")
        self.spec_said  # noqa: B018  # a record with a spec that cannot be read is damaged
        if self.ok and (self.images is None or not self.costs):
            raise ValueError("a finished run has images and costs")
        if self.drawn and not isinstance(self.drawn.get("k"), int):
            raise ValueError("samples has no k")

    @property
    def finished(self) -> bool:
        """Whether another attempt would change nothing: it was scored, or the same seed diverges the same way."""
        return self.ok or self.status == "diverged"

    @property
    def ok(self) -> bool:
        """Whether it was scored."""
        return self.status == "ok"

    @property
    def is_ranked(self) -> bool:
        """Whether it takes part: not if it was told the true colours, or has none to lose."""
        return self.model not in _UNRANKED_BEFORE if self.ranked is msgspec.UNSET else bool(self.ranked)

    @property
    def fingerprint(self) -> str:
        """Of the protocol: rows that differ in it are never compared."""
        return self.protocol.fingerprint

    @property
    def row(self) -> tuple[str, str]:
        """The row it belongs to: its protocol's fingerprint and its model's label."""
        return self.fingerprint, self.label

    @property
    def draws(self) -> int:
        """Random draws a photo that were scored; 0 of a model that has one answer."""
        return int(self.drawn["k"] or 0) if self.drawn else 0

    @property
    def made_of(self) -> dict[str, Any]:
        """The identity of every part by its role; empty in records of before parts had one."""
        return dict((self.spec or {}).get("made_of") or {})

    @property
    def sizes(self) -> str:
        """As factors of its paper's (:func:`zoo.core.spec.sizes`); empty in records of before rows told them."""
        said = self.spec_said
        return sizes(said.effective, said.paper) if "paper" in (self.spec or {}) else ""

    @property
    def pretrained(self) -> str:
        """Its parts that started from published weights."""
        return pretrained(self.spec_said.effective)

    @property
    def may_have_seen(self) -> bool:
        """Whether a note marks its weights."""
        return any(note.startswith(MAY_HAVE_SEEN) for note in self.notes)

    @property
    def disturbed(self) -> bool:
        """Whether its costs were measured while others kept the machine busy."""
        return any(note.startswith(DISTURBED) for note in self.notes)

    @property
    def spec_said(self) -> SpecSaid:
        return msgspec.convert(self.spec or {}, SpecSaid)

    def part(self, role: str) -> str:
        """The name of the model's part of a role; empty where it has none."""
        ref = ((self.spec or {}).get("parts") or {}).get(role) or {}
        return str(ref.get("name") or "")

    @property
    def date(self) -> str:
        return self.provenance.finished[:10]

    def json(self) -> str:
        """The file's text.

        Raises:
            ValueError: a number that is not finite, or a value that no reader would take.
        """
        plain = msgspec.to_builtins(self)
        msgspec.convert(plain, RunRecord)
        return json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_record(content: bytes, where: object) -> RunRecord:
    """``run.json`` read back.

    Args:
        where: the file's path, for errors.

    Raises:
        BadInput: it is damaged, of another schema, or has fields of a newer zoo.
    """
    try:
        row = msgspec.json.decode(content)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where} cannot be read ({error}); delete its folder to run it again.") from None
    found = row.get("schema") if isinstance(row, Mapping) else None
    if found != SCHEMA:
        raise BadInput(
            f"{where} is of version {found!r}, this zoo reads {SCHEMA}; update the zoo, or give another folder."
        )
    try:
        return msgspec.convert(row, RunRecord)
    except msgspec.ValidationError as error:
        if "unknown field" in str(error):
            raise BadInput(f"{where} was written by a newer zoo ({error}); update this one to read it.") from None
        raise BadInput(f"{where} is damaged ({error}); delete its folder to run it again.") from None
