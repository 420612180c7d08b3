"""The rows of the table: frozen structs, decoded strictly. Torch-free."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import msgspec

from zoo.core.errors import BadInput
from zoo.core.kinds import KIND_OF_ROLE


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
    """A colorizer: either parts that compose, or one ``target`` that is a whole network."""

    summary: str = ""
    source: str = ""
    licence: str = ""
    note: str = ""
    target: str | None = None
    encoder: str | dict[str, Any] | None = None
    bridge: str | dict[str, Any] | None = None
    decoder: str | dict[str, Any] | None = None
    head: str | dict[str, Any] | None = None
    options: dict[str, Any] = {}
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
    """How a colorizer is trained. ``losses`` maps a name to its weight, or to {weight, **options}."""

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
    hints: str | dict[str, Any] | None = None
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
        return [*named, ("hints", "hints", self.hints)] if self.hints is not None else named

    def identity(self) -> dict[str, Any]:
        """What decides the result, as plain data (words about it do not)."""
        return {k: v for k, v in msgspec.to_builtins(self).items() if k not in ("summary", "source")}


class WeightsRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A published file of weights: the model that reads it, and the options that it was trained with.

    ``sha256`` are the first digits (8 to 64) of the file's SHA-256, by which it is recognised and checked.
    """

    model: str
    url: str
    sha256: str
    options: dict[str, Any] = {}
    summary: str = ""
    source: str = ""
    licence: str = ""

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


class ModelSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A model resolved: every part by name with all its options, nothing left to default rows.

    ``parts`` maps a role to its part; a whole network has the one role ``network``. ``made_of`` is the identity of each
    (:mod:`zoo.core.identity`), ``version`` the row's. ``hint_gain`` is the :class:`~zoo.core.colorizer.Colorizer`'s.
    ``effective`` are all options of each part, those of its constructor too; ``defaults`` what was taken of a suite's.
    """

    name: str
    parts: dict[str, PartRef]
    made_of: dict[str, Any] = {}
    version: int = 1
    extras: tuple[str, ...] = ()
    hint_gain: float = 1.0
    recipe: str = "default"
    baseline: bool = False
    ranked: bool = True
    note: str = ""
    effective: dict[str, dict[str, Any]] = {}
    defaults: dict[str, Any] = {}

    def __post_init__(self) -> None:
        if "network" not in self.parts and not {"encoder", "decoder", "head"} <= self.parts.keys():
            raise ValueError("a model is a network, or an encoder, a decoder and a head")

    def identity(self) -> dict[str, Any]:
        """What decides the result, as plain data (names of rows and notes do not)."""
        return {
            "made_of": msgspec.to_builtins(self.made_of),
            "version": self.version,
            "extras": list(self.extras),
            "hint_gain": self.hint_gain,
        }


def canonical_json(value: Any) -> bytes:
    """JSON with sorted keys and no white space: equal values give equal bytes."""
    return msgspec.json.encode(value, order="sorted")


def fingerprint(value: Any, length: int = 12) -> str:
    """The first ``length`` hex digits of the SHA-256 of :func:`canonical_json`."""
    return hashlib.sha256(canonical_json(value)).hexdigest()[:length]
