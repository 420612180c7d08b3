"""What decides whether two runs may be compared, as ``run.json`` holds it, and in what two protocols differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from zoo.core.errors import BadInput
from zoo.core.spec import fingerprint
from zoo.harness.training.budget import Budget

_SHOWN_CHARACTERS = 60


class SweptHints(msgspec.Struct, frozen=True):
    """A hint sweep: the sampler with its options, the levels (of one kind), and the digest of the saved hints."""

    sampler: str | dict[str, Any] = msgspec.field(name="hints")
    counts: list[int] | msgspec.UnsetType = msgspec.UNSET
    densities: list[float] | msgspec.UnsetType = msgspec.UNSET
    digest: str | msgspec.UnsetType | None = msgspec.UNSET


class Protocol(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Data, size, crop, hints, budget, rulers: rows that differ in one of these are never ranked together.

    ``train``, ``validation`` and ``test`` (those that are scored) are the photos' fingerprints; of ``batch``,
    ``budget``, ``recipe`` and ``train_hints`` None says that each recipe has its own. A field that is unset is younger
    than the record; ``old_print`` is unset too where photos are scored as they are, and ``train_sizes`` where all
    batches in training are of ``size``.
    """

    fingerprint: str = ""
    version: int | msgspec.UnsetType = msgspec.UNSET
    suite_version: int | msgspec.UnsetType = msgspec.UNSET
    size: int | msgspec.UnsetType = msgspec.UNSET
    load_size: int | msgspec.UnsetType = msgspec.UNSET
    train_sizes: list[int] | msgspec.UnsetType = msgspec.UNSET
    fit: str | msgspec.UnsetType = msgspec.UNSET
    train: str | msgspec.UnsetType = msgspec.UNSET
    validation: str | msgspec.UnsetType = msgspec.UNSET
    test: str | msgspec.UnsetType = msgspec.UNSET
    eval_hints: str | dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    hint_seed: int | msgspec.UnsetType = msgspec.UNSET
    old_print: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    sweeps: dict[str, SweptHints] | msgspec.UnsetType = msgspec.UNSET
    sweep_limit: int | msgspec.UnsetType | None = msgspec.UNSET
    batch: int | msgspec.UnsetType | None = msgspec.UNSET
    budget: Budget | msgspec.UnsetType | None = msgspec.UNSET
    recipe: str | msgspec.UnsetType | None = msgspec.UNSET
    train_hints: str | dict[str, Any] | msgspec.UnsetType | None = msgspec.UNSET
    metrics: list[str] | msgspec.UnsetType = msgspec.UNSET

    @property
    def fields(self) -> dict[str, Any]:
        """What the fingerprint is of, as plain values."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return {name: value for name, value in plain.items() if name != "fingerprint"}

    @property
    def trained_at(self) -> list[int]:
        """The sides of the photos in training, from the smallest; none in a record that does not say."""
        return sorted(set(self.train_sizes or ([self.size] if self.size else [])))

    def sealed(self) -> Protocol:
        """With the fingerprint of its fields."""
        return msgspec.structs.replace(self, fingerprint=fingerprint(self.fields))


def protocol_differences(found: Iterable[Protocol]) -> list[str]:
    """What distinguishes protocols, a line a field; empty where they are one."""
    protocols = {protocol.fingerprint: protocol.fields for protocol in found}
    fields = dict.fromkeys(field for protocol in protocols.values() for field in protocol)
    lines = []
    for field in fields:
        holders: dict[str, list[str]] = {}
        for print_, protocol in protocols.items():
            holders.setdefault(_text(protocol.get(field)), []).append(print_)
        if len(holders) > 1:
            values = "; ".join(f"{_cut(value, holders)} in {', '.join(found)}" for value, found in holders.items())
            lines.append(f"{field}: {values}")
    return lines


def of_different(
    one: object, other: object, protocols: Iterable[Protocol], cannot: str = "be compared", *, otherwise: str = ""
) -> BadInput:
    """The sentence for two results of different protocols, with the fields in which they differ, or ``otherwise``."""
    lines = " | ".join(protocol_differences(protocols)) or otherwise
    return BadInput(f"{one} and {other} are of different protocols and cannot {cannot}; they differ in {lines}.")


def _text(value: Any) -> str:
    return "none" if value is None else msgspec.json.encode(value, order="sorted").decode()


def _cut(value: str, others: Mapping[str, Any]) -> str:
    """A long value from where it begins to differ."""
    if len(value) <= _SHOWN_CHARACTERS:
        return value
    alike = next((i for i, each in enumerate(zip(*others, strict=False)) if len(set(each)) > 1), 0)
    start = max(alike - _SHOWN_CHARACTERS // 2, 0)
    cut = value[start : start + _SHOWN_CHARACTERS]
    return ("…" if start else "") + cut + ("…" if start + _SHOWN_CHARACTERS < len(value) else "")
