"""What was measured, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from zoo.harness.results.league import League
from zoo.harness.results.protocol import Protocol

_FIT = {"crop": "cut from the middle", "stretch": "stretched to a square"}


def facts(league: League) -> list[tuple[str, str]]:
    """Term and description, of the protocol first and then of where it ran."""
    first = league.runs[0].record
    suite, protocol = league.suite, first.protocol
    provenances = [run.record.provenance for run in league.runs]
    days = sorted(provenance.finished[:10] for provenance in provenances)
    found = [
        ("Photos", first.data.told),
        ("Size", _size(protocol)),
        ("Seen as", f"old prints: {_part({'name': '', **protocol.old_print})}" if protocol.old_print else ""),
        ("Hints when scoring", _part(protocol.eval_hints)),
        ("Hints in training", _part(suite.train_hints or "each recipe's own") if suite.trains else ""),
        ("Budget", _budget(protocol, league) if suite.trains else "nothing is trained here"),
        ("Seeds", _distinct(str(len(row.finished)) for row in league.rows if row.finished) or "none done"),
        ("Measured by", ", ".join(protocol.metrics or ()) or "nothing"),
        ("Device", _distinct(provenance.device for provenance in provenances)),
        ("Machine", _distinct(provenance.machine for provenance in provenances)),
        ("Precision", _distinct(run.record.precision or "" for run in league.runs) or "not recorded"),
        ("Date", days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"),
        ("Versions", _versions(league)),
        ("Protocol", league.protocol),
    ]
    return [(term, text) for term, text in found if text]


def _size(protocol: Protocol) -> str:
    size, loaded = protocol.size, protocol.load_size
    text = f"{size} × {size} px, {_FIT.get(str(protocol.fit), str(protocol.fit))}"
    if protocol.train_sizes:
        return f"{text}; training crops from {loaded} px, a batch at {_text(protocol.trained_at)} px"
    return text + (f"; training crops from {loaded} px" if loaded != size else "")


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping):
        return "none"
    options = ", ".join(f"{key} {_text(value)}" for key, value in part.items() if key != "name")
    return f"{part.get('name')}" + (f" ({options})" if options else "")


def _text(value: Any) -> str:
    if not isinstance(value, list):
        return str(value)
    nested = any(isinstance(item, Mapping) for item in value)  # the samplers of mixed hints
    return "; ".join(map(_part, value)) if nested else ", ".join(map(str, value))


def _budget(protocol: Protocol, league: League) -> str:
    if not protocol.budget:
        return "each recipe's own"
    if protocol.budget.seconds:
        taken = [run.record.steps for run in league.runs if run.record.steps]
        steps = f", which are {min(taken)} to {max(taken)}" if taken else ""
        return f"as many steps as fill {protocol.budget}, measured before{steps}"
    return str(protocol.budget) + (f" of {protocol.batch} photos" if protocol.batch and protocol.budget.steps else "")


def _versions(league: League) -> str:
    provenances = [run.record.provenance for run in league.runs]
    commits = _distinct(provenance.commit or "" for provenance in provenances)
    zoo, torch = _distinct(p.zoo for p in provenances), _distinct(p.torch for p in provenances)
    return f"zoo {zoo}, torch {torch}" + (f", commit {commits}" if commits else "")


def _distinct(values: Iterable[str]) -> str:
    return ", ".join(sorted(set(filter(None, values))))
