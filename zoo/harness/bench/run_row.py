"""What run.json holds at least, so that a damaged one is named instead of met halfway through a table."""

from __future__ import annotations

from typing import Any

import msgspec


class Photos(msgspec.Struct, frozen=True):
    """One side of a run's data."""

    source: str
    photos: int


class Data(msgspec.Struct, frozen=True):
    """What a run was trained and scored on."""

    train: Photos
    test: Photos


class Protocol(msgspec.Struct, frozen=True):
    """What decides whether rows may be compared; its fields are the suite's matter."""

    fingerprint: str


class Provenance(msgspec.Struct, frozen=True):
    """Where and when a run was made."""

    device: str
    torch: str
    zoo: str
    finished: str
    commit: str | None


class Samples(msgspec.Struct, frozen=True):
    """The summary of a sampler's draws."""

    k: int


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that the tables are made of. A run that came to no score has neither costs nor images."""

    label: str
    seed: int
    key: str
    status: str
    error: str
    suite: str
    recipe: str
    protocol: Protocol
    data: Data
    provenance: Provenance
    baseline: bool = False
    notes: list[str] = []
    scores: dict[str, float | None] = {}
    costs: dict[str, float | None] = {}
    images: int | None = None
    steps: int | None = None
    precision: str | None = None
    hints: list[dict[str, Any]] = []
    samples: Samples | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        if self.status == "ok" and (self.images is None or not self.costs):
            raise ValueError("a finished run has images and costs")
