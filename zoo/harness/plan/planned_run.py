"""What is planned, whole: a run to be, or a model that cannot be resolved."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import msgspec

from zoo.core.errors import BadInput, bounded
from zoo.core.spec import GivenWeights, ModelSpec, RecipeRow, SourceSeen
from zoo.core.strict_yaml import parse
from zoo.harness.plan.suite import Suite
from zoo.harness.results.protocol import Protocol
from zoo.harness.results.run_record import Data, Plan, Provenance, RunRecord
from zoo.harness.training.budget import Budget


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of any run to be: which row it is, of what, and under which protocol."""

    model: str
    label: str
    seed: int
    key: str
    suite: Suite
    protocol: Protocol
    data: Data
    device: str = "auto"

    @property
    def name(self) -> str:
        return f"{self.label} seed {self.seed}"

    @property
    def row(self) -> tuple[str, str]:
        """The row it belongs to: its protocol's fingerprint and its label."""
        return self.protocol.fingerprint, self.label

    @property
    def folder(self) -> str:
        """Below the results folder. Colliding plugins keep their ``@distribution`` in it."""
        return f"runs/{self.model}/seed{self.seed}-{self.key}"

    def record(self, provenance: Provenance, *, status: str, error: str = "", **more: Any) -> RunRecord:
        """The record of the run, ended.

        Args:
            more: the fields that only a run which was scored has.
        """
        return RunRecord(
            model=self.model,
            label=self.label,
            seed=self.seed,
            key=self.key,
            status=status,
            error=bounded(error),
            suite=self.suite.name,
            protocol=self.protocol,
            data=self.data,
            provenance=provenance,
            **{"recipe": "", "plan": Plan(suite=msgspec.to_builtins(self.suite)), **more},
        )


class UnresolvedRun(_Row, frozen=True, kw_only=True):
    """A model that cannot be resolved: a row with the reason, and nothing to run."""

    error: str


class PlannedRun(_Row, frozen=True, kw_only=True):
    """One run to be: everything its process needs to know.

    ``trained_in`` is the folder of a run of another suite whose weights are scored; empty where there is none.
    ``resembled`` is how many of the photos to be scored resemble some that it is trained on.
    """

    training_key: str
    scoring_key: str
    spec: ModelSpec
    recipe_name: str
    recipe: RecipeRow
    batch: int
    budget: Budget
    train_hints: str | dict[str, Any]
    lpips_trunk: str = ""
    weights: GivenWeights | None = None
    trained_in: str = ""
    sources: list[SourceSeen] = []
    resembled: int = 0
    options: dict[str, Any] = {}

    def record(self, provenance: Provenance, *, status: str, error: str = "", **more: Any) -> RunRecord:
        plan = Plan(
            recipe=msgspec.to_builtins(self.recipe),
            suite=msgspec.to_builtins(self.suite),
            batch=self.batch,
            budget=self.budget,
            train_hints=self.train_hints,
        )
        known = {
            "training_key": self.training_key,
            "scoring_key": self.scoring_key,
            "recipe": self.recipe_name,
            "spec": msgspec.to_builtins(self.spec),
            "plan": plan,
        }
        return super().record(provenance, status=status, error=error, **known, **more)


Run = PlannedRun | UnresolvedRun


def shown_options(options: Mapping[str, Any]) -> str:
    """Options as they are given to ``--set``, in order: `` any=1`` and `` any="1"`` are two."""
    return "".join(f" {key}={_as_set(value)}" for key, value in sorted(options.items()))


def _as_set(value: Any) -> str:
    """The text that YAML reads as this value."""
    if isinstance(value, str):
        with contextlib.suppress(BadInput):
            if parse(value, "an option") == value:
                return value
    return str(value) if type(value) in (int, float) else msgspec.json.encode(value).decode()
