"""What ``zoo check --all`` promises, name by name: every part and every model of ours keeps its contract."""

from __future__ import annotations

from typing import Any

import pytest

from zoo.core.kinds import KINDS
from zoo.core.probe import PROBES, probe_part
from zoo.core.registry import current
from zoo.core.registry_rows import OURS

SLOW = {("encoders", "timm"), ("encoders", "enet"), ("objectives", "variational"), ("objectives", "zhang2017")}
WHOLE = {"models", "networks"}
"""Kinds of which each is a whole network, which takes its time."""

KNOWN = {
    "decoders": ("takes no backbone that starts at half size",),
    "losses": ("not probed: the ImageNet weights",),
    "metrics": ("not probed: ",),
    "objectives": ("has no teacher; name the folder of a finished run",),
    "datasets": ("write folder:…", "write torchvision:…"),
    "models": ("probed without pretrained weights",),
}
"""Kind → the only notes with which one of ours may be less than probed."""


def ours() -> list[Any]:
    registry = current()
    return [
        pytest.param(kind, name, marks=[pytest.mark.slow] if kind in WHOLE or (kind, name) in SLOW else [])
        for kind in KINDS
        for name in registry.names(kind)
        if registry.entry(kind, name).distribution == OURS
    ]


@pytest.mark.parametrize(("kind", "name"), ours())
def test_it_keeps_its_contract(kind: str, name: str) -> None:
    report = probe_part(kind, name)
    assert report.failures == []
    known = KNOWN.get(kind, ()) if KINDS[kind].probed else ("imported only",)
    assert [note for note in report.notes if not any(each in note for each in known)] == []


def test_every_kind_with_a_part_of_ours_has_a_contract_or_its_row_says_that_it_has_none() -> None:
    """The first part of a new kind brings it."""
    unprobed = {name for name, kind in KINDS.items() if not kind.probed}
    assert {part.values[0] for part in ours()} <= PROBES.keys() | unprobed
    assert PROBES.keys() <= KINDS.keys() - unprobed
