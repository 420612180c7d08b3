"""The rows of the table: frozen structs, decoded strictly. Torch-free."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import msgspec

from zoo.core.errors import BadInput
from zoo.core.kinds import KIND_OF_ROLE

UNTRAINED = "untrained"
"""The recipe of models that have nothing to learn."""

SHIPPED = "shipped"
"""The name of the colorizer that comes with the zoo: a run like any other, with its weights in half precision."""

SCHEMA = 1
"""The version of run.json's form."""


class PartRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part: where its class is, and where its idea comes from.

    ``options`` are presets, so that a variant is a row and not a class.
    """

    target: str
    summary: str = ""
    source: str = ""
    licence: str = ""
    version: int = 1
    options: dict[str, Any] = {}


class ModelRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A colorizer: a propagator of hints, a network, or a network upon a propagator.

    The network is a whole one (``network``), or encoder, bridge, decoder and head. ``target`` is short for a whole
    network that no other row names: it is registered under the row's own name. ``paper`` are the sizes that its paper
    or its authors' code has, by option (``width``, ``decoder.width``), where they are known: a row's own are the same,
    a suite may make them smaller.
    """

    summary: str = ""
    source: str = ""
    licence: str = ""
    note: str = ""
    target: str | None = None
    propagator: str | dict[str, Any] | None = None
    network: str | dict[str, Any] | None = None
    encoder: str | dict[str, Any] | None = None
    bridge: str | dict[str, Any] | None = None
    decoder: str | dict[str, Any] | None = None
    head: str | dict[str, Any] | None = None
    options: dict[str, Any] = {}
    paper: dict[str, int] = {}
    extras: list[str] = []
    recipe: str = "default"
    baseline: bool = False
    ranked: bool = True
    version: int = 1

    def parts(self) -> list[tuple[str, str, str | dict[str, Any]]]:
        """``(field, kind, reference)`` of every part that it names."""
        roles = [(role, kind, getattr(self, role)) for role, kind in KIND_OF_ROLE.items()]
        extras = [("extras", "extras", name) for name in self.extras]
        return [named for named in [*roles, *extras] if named[2] is not None]


class RecipeRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a colorizer is trained.

    ``losses`` maps a name to its weight, or to {weight, **options}; ``augmentations`` follow each other in their order;
    ``train_hints``, in the file ``hints``, is the sampler of the hints in training.
    """

    summary: str = ""
    source: str = ""
    optimizer: str | dict[str, Any] = "adamw"
    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    momentum: float = 0.9
    weight_decay: float = 0.01
    schedule: str | dict[str, Any] = "cosine"
    warmup: float = 0.0
    clip: float | None = None
    ema: float | None = None
    batch: int | None = None
    epochs: float | None = None
    flip: bool = True
    losses: dict[str, float | dict[str, Any]] = {}
    objective: str | dict[str, Any] = "supervised"
    train_hints: str | dict[str, Any] | None = msgspec.field(name="hints", default=None)
    augmentations: list[str | dict[str, Any]] = []
    version: int = 1

    def parts(self) -> list[tuple[str, str, str | dict[str, Any]]]:
        """``(field, kind, reference)`` of every part that it names."""
        named: list[tuple[str, str, str | dict[str, Any]]] = [
            ("optimizer", "optimizers", self.optimizer),
            ("schedule", "schedules", self.schedule),
            ("objective", "objectives", self.objective),
        ]
        for name, value in self.losses.items():
            options = {k: v for k, v in value.items() if k != "weight"} if isinstance(value, dict) else {}
            named.append((f"losses, {name}", "losses", {"name": name, **options}))
        for number, ref in enumerate(self.augmentations):
            named.append((f"augmentations, {number}", "augmentations", ref))
        return [*named, ("hints", "hints", self.train_hints)] if self.train_hints is not None else named

    def identity(self) -> dict[str, Any]:
        """What decides the result, as plain data (words about it do not)."""
        told = {k: v for k, v in msgspec.to_builtins(self).items() if k not in ("summary", "source")}
        # A recipe without any is the one that it was before there were augmentations.
        return told if self.augmentations else {k: v for k, v in told.items() if k != "augmentations"}


class WeightsRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A published file of weights: the model that reads it, and the options that it was trained with.

    ``sha256`` are the first digits (8 to 64) of the file's SHA-256, by which it is recognised and checked.
    ``trained_on`` are the photos that it has seen.
    """

    model: str
    url: str
    sha256: str
    options: dict[str, Any] = {}
    summary: str = ""
    source: str = ""
    licence: str = ""
    trained_on: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch("[0-9a-f]{8,64}", self.sha256):
            raise ValueError(f"sha256 is the first 8 to 64 digits of the file's SHA-256, not {self.sha256[:80]!r}")
        if not self.url.startswith(("https://", "http://")):
            raise ValueError(f"url begins with https:// or http://, not {self.url[:80]!r}")


class PartRef(msgspec.Struct, frozen=True):
    """A part by name, with the options it is built with."""

    name: str
    options: dict[str, Any] = {}


def part_ref(value: Any, where: str) -> PartRef:
    """``"name"`` or ``{name: ..., **options}`` as a :class:`PartRef`.

    Raises:
        BadInput: neither of the two forms.
    """
    if isinstance(value, PartRef):
        return value
    if isinstance(value, str):
        return PartRef(value)
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        return PartRef(value["name"], {k: v for k, v in value.items() if k != "name"})
    raise BadInput(f"{where}: a part is a name or a mapping with a 'name', not {value!r}.")


class ColorizerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What may be asked of any colorizer, whatever its parts are.

    Attributes:
        hint_gain: what the colours of hints, given or spread, are multiplied by before the network sees them.
        reads: with a propagator, what the network sees beside the lightness: the hints ``spread`` (their ab, and
            its confidence) or ``both``, these and the hints as they were given, which a composed network can.
        residual: with a propagator, whether the network's ab is added to the propagator's, and starts at zero.
        keep_hints: with a propagator, whether hinted pixels have their hint's colour at the end.
        anchor: with a residual, the propagator that spreads what the network adds at the hints, which is taken off it
            again: nothing is added there (:class:`zoo.core.propagated.Propagated`); ``none`` takes nothing off.
    """

    hint_gain: float = 1.0
    reads: Literal["spread", "both"] = "spread"
    residual: bool = True
    keep_hints: bool = True
    anchor: str | dict[str, Any] = "none"


class ModelSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A model resolved: every part by name with all its options, nothing left to default rows.

    ``parts`` maps a role to its part. ``made_of`` is the identity of each (:mod:`zoo.core.identity`), ``version`` the
    row's. ``colorizer`` is what the :class:`~zoo.core.colorizer.Colorizer` around them is told.
    ``effective`` are all options of each part, those of its constructor too; ``defaults`` what was taken of a suite's;
    ``paper`` the sizes of its paper, as of a row.
    """

    name: str
    parts: dict[str, PartRef]
    made_of: dict[str, Any] = {}
    version: int = 1
    extras: tuple[str, ...] = ()
    colorizer: ColorizerOptions = ColorizerOptions()
    recipe: str = "default"
    baseline: bool = False
    ranked: bool = True
    note: str = ""
    effective: dict[str, dict[str, Any]] = {}
    defaults: dict[str, Any] = {}
    paper: dict[str, int] = {}

    def __post_init__(self) -> None:
        if wrong := misfit_of_roles(self.parts):
            raise ValueError(wrong)

    @property
    def hint_gain(self) -> float:
        return self.colorizer.hint_gain

    def identity(self) -> dict[str, Any]:
        """What decides the result, as plain data (names of rows and notes do not)."""
        told = msgspec.to_builtins(self.colorizer)
        if told["anchor"] == "none":
            del told["anchor"]  # as before there were any
        return {
            "made_of": msgspec.to_builtins(self.made_of),
            "version": self.version,
            "extras": list(self.extras),
            **told,
        }


def sizes(effective: Mapping[str, Mapping[str, Any]], paper: Mapping[str, int]) -> str:
    """Each size that the paper has as a factor of it: ``width 1/4 (16 of 64)``; and the trunks that no size reaches.

    Args:
        effective, paper: of a :class:`ModelSpec`.
    """
    found = []
    for option, published in paper.items():
        role, _, bare = option.rpartition(".")
        for each, options in effective.items():
            if isinstance(options.get(bare), int) and role in ("", each):
                found.append(f"{option} {Fraction(options[bare], published)} ({options[bare]} of {published})")
                break
    whole = (f"{options['backbone']} whole" for options in effective.values() if "backbone" in options)
    return ", ".join([*found, *whole])


def pretrained(effective: Mapping[str, Mapping[str, Any]]) -> str:
    """The parts that start from published weights: a trunk by its name, any other by its role."""
    return ", ".join(str(o.get("backbone", role)) for role, o in effective.items() if o.get("pretrained") is True)


def misfit_of_roles(roles: Container[str]) -> str:
    """What is wrong with a model of these roles; empty where they are a colorizer."""
    composed = [role for role in ("encoder", "decoder", "head") if role in roles]
    if "network" in roles and (composed or "bridge" in roles):
        return "a row has either a network or parts that compose one, not both"
    if composed and len(composed) < 3:
        missing = next(role for role in ("encoder", "decoder", "head") if role not in roles)
        return f"the {missing} is missing; give encoder, decoder and head, or a network"
    if not composed and "network" not in roles and ("propagator" not in roles or "bridge" in roles):
        return "there is no encoder, decoder and head; give these, a network or a propagator"
    return ""


def canonical_json(value: Any) -> bytes:
    """JSON with sorted keys and no white space: equal values give equal bytes."""
    return msgspec.json.encode(value, order="sorted")


def fingerprint(value: Any, length: int = 12) -> str:
    """The first ``length`` hex digits of the SHA-256 of :func:`canonical_json`."""
    return hashlib.sha256(canonical_json(value)).hexdigest()[:length]


class GivenWeights(msgspec.Struct, frozen=True):
    """A file of weights, and how the model must be built that reads it.

    ``published`` is the table's name for it, if it has one; ``options`` are those that the table has for it, less those
    that the caller sets. ``notes`` say where the weights come from and what was set.
    """

    path: str
    sha256: str
    published: str = ""
    options: dict[str, Any] = {}
    notes: tuple[str, ...] = ()

    @property
    def file(self) -> Path:
        return Path(self.path)


class SourceSeen(msgspec.Struct, frozen=True):
    """The source of a stranger's class as it was when a run was planned."""

    target: str
    distribution: str
    digest: str

    def check(self) -> None:
        """Refuse to go on with other code.

        Raises:
            BadInput: a file was changed since.
        """
        from zoo.core.sources import source_of  # few runs have a stranger's part

        if source_of(self.target, self.distribution).digest != self.digest:
            raise BadInput(
                f"The source of {self.target} was changed since this run was planned; give the command again."
            )


class ModelRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The part of run.json that tells of the model; the harness's ``RunRecord`` is this one and what was measured.

    ``weights_sha256`` is of its file of weights, which :func:`zoo.core.trained.load` holds it to; older records have
    none. ``spec`` is None where the model could not be resolved.
    """

    schema: int = SCHEMA
    model: str
    label: str
    seed: int
    suite: str
    steps: int | None = None
    spec: dict[str, Any] | None = None
    weights_sha256: str | msgspec.UnsetType = msgspec.UNSET
