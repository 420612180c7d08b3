"""From a request to runs: which models, under which protocol, and a key for each.

A run's key is a hash of what decides its result. The device, versions of torch, the commit and the
date are provenance and not in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from zoo.core.assemble import HINT_GAIN_OPTION, option_names, resolve, takes_option
from zoo.core.errors import ZooError
from zoo.core.published import GivenWeights
from zoo.core.registry import current
from zoo.core.spec import ModelSpec, RecipeRow, fingerprint, part_ref
from zoo.harness.bench.saved_hints import definition
from zoo.harness.bench.suite import Suite
from zoo.harness.training.budget import Budget

PROTOCOL_VERSION = 1
"""Raise it when the harness changes what a number means."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run to be: everything its process needs to know.

    ``error`` is set when the model cannot even be resolved; the run is then a row with that reason.
    """

    model: str
    label: str
    seed: int
    key: str
    suite: Suite
    protocol: dict[str, Any]
    data: dict[str, Any]
    spec: ModelSpec | None = None
    recipe_name: str = ""
    recipe: RecipeRow | None = None
    batch: int = 16
    budget: Budget | None = None
    train_hints: str | dict[str, Any] = "none"
    device: str = "auto"
    lpips_trunk: str = ""
    weights: GivenWeights | None = None
    error: str = ""

    @property
    def name(self) -> str:
        return f"{self.label} seed {self.seed}"

    @property
    def folder(self) -> str:
        """Below the results folder. Colliding plugins keep their ``@distribution`` in it."""
        return f"runs/{self.model}/seed{self.seed}-{self.key}"


def third_party(model: str) -> bool:
    """Whether a model comes from an installed plugin: it is then first touched in a process of its own."""
    return current().record("models", model).row is None


def check_options(models: Sequence[str], options: Mapping[str, Any]) -> None:
    """Every option must fit, and be named by one of the models at least; a typo must not pass unseen.

    Raises:
        BadInput: an option nobody names, or a value of the wrong type.
    """
    ours = [model for model in models if not third_party(model)]
    for option, value in options.items():
        takers = [model for model in ours if takes_option(model, option)]
        if not takers and len(ours) == len(models):
            takers = ours[:1]  # its own error knows the names that are near
        for model in takers:
            resolve(model, {option: value})


def option_in(spec: ModelSpec, option: str) -> bool:
    """Whether a resolved model holds the option; nothing is imported for it."""
    role, dot, bare = option.partition(".")
    if dot:
        return role in spec.parts and bare in spec.parts[role].options
    return option == HINT_GAIN_OPTION or any(option in ref.options for ref in spec.parts.values())


def resolve_model(model: str, suite: Suite, options: Mapping[str, Any]) -> tuple[ModelSpec | None, str]:
    """The model's spec under the suite's and the caller's options, or the reason why there is none."""
    try:
        taken = {key: value for key, value in options.items() if takes_option(model, key)}
        return resolve(model, taken, defaults=suite.options), ""
    except ZooError as error:
        return None, str(error)


def protocol_of(suite: Suite, data: Mapping[str, Any], hints: Mapping[str, str]) -> dict[str, Any]:
    """What decides whether two rows may be compared: data, size, crop, hints, budget, rulers.

    Args:
        hints: the digest of each sweep's saved hints.
    """
    registry = current()
    eval_hints = part_ref(suite.eval_hints, f"suite {suite.name!r}, eval_hints")
    return {
        "version": PROTOCOL_VERSION,
        "size": suite.size,
        "load_size": suite.bank_size,
        "fit": suite.fit,
        "train": data["train"]["fingerprint"],
        "test": data["test"]["fingerprint"],
        "eval_hints": {"name": registry.record("hints", eval_hints.name).identity, **eval_hints.options},
        "hint_seed": suite.hint_seed,
        "sweeps": {name: {**definition(sweep), "digest": hints.get(name)} for name, sweep in suite.sweeps.items()},
        "sweep_limit": suite.sweep_limit,
        "batch": suite.batch,
        "budget": msgspec.to_builtins(suite.budget),
        "recipe": suite.recipe,
        "train_hints": suite.train_hints,
        "metrics": [registry.record("metrics", metric).identity for metric in suite.metrics],
    }


def plan_runs(
    model: str,
    spec: ModelSpec | None,
    error: str,
    suite: Suite,
    data: Mapping[str, Any],
    *,
    options: Mapping[str, Any],
    device: str,
    lpips_trunk: str,
    hints: Mapping[str, str] | None = None,
    weights: GivenWeights | None = None,
) -> list[Run]:
    """The runs of one model, one a seed.

    Args:
        hints: the digest of each sweep's saved hints; None where none are going to be swept.
        options: what was asked for, for the label; the spec has them already.
        weights: a file that takes the place of training; there is one seed then.

    Raises:
        UnknownName, BadInput: a recipe, or one of its parts, that does not exist.
    """
    protocol = protocol_of(suite, data, hints or {})
    label = model + "".join(f" {key}={value}" for key, value in sorted(options.items()))
    common: dict[str, Any] = {
        "model": model,
        "suite": suite,
        "protocol": {"fingerprint": fingerprint(protocol), **protocol},
        "data": dict(data),
        "device": device,
        "lpips_trunk": lpips_trunk,
    }
    if spec is None:
        return [Run(label=model, seed=0, key=fingerprint({"broken": model, **protocol}), error=error, **common)]
    registry = current()
    trained = spec.recipe != "untrained" and not weights
    recipe_name = (suite.recipe or spec.recipe) if trained else "untrained"
    recipe = _sized(registry.recipe(recipe_name), suite.options)
    train_hints = suite.train_hints or recipe.hints or "none"
    batch = suite.batch or recipe.batch or 16
    budget = suite.budget or Budget(epochs=recipe.epochs or 10)
    identity = {
        "spec": spec.identity(),
        "recipe": recipe.identity(),
        "recipe_parts": _recipe_parts(recipe, train_hints),
        "batch": batch,
        "budget": msgspec.to_builtins(budget),
        "precision": suite.precision,
        **({"compile": True} if suite.compile else {}),
        "protocol": protocol,
        **({"weights": weights.sha256[:12]} if weights else {}),
    }
    label = label if _is_varied(spec, options) else model
    shared = {**common, "label": f"{label} ({weights.file.stem})" if weights else label}
    return [
        Run(
            seed=seed,
            key=fingerprint(identity),
            spec=spec,
            recipe_name=recipe_name,
            recipe=recipe,
            batch=batch,
            budget=budget,
            train_hints=train_hints,
            weights=weights,
            **shared,
        )
        for seed in range(1 if weights else suite.seeds)
    ]


def _sized(recipe: RecipeRow, options: Mapping[str, Any]) -> RecipeRow:
    """The recipe with the suite's options in its objective, where that names them: a discriminator has a width too."""
    ref = part_ref(recipe.objective, "objective")
    named = option_names(current().load("objectives", ref.name))
    taken = {key: value for key, value in options.items() if key in named}
    if not taken:
        return recipe
    return msgspec.structs.replace(recipe, objective={"name": ref.name, **ref.options, **taken})


def _is_varied(spec: ModelSpec, options: Mapping[str, Any]) -> bool:
    return any(takes_option(spec.name, key) for key in options)


def _hints_identity(hints: Any) -> dict[str, Any]:
    """A sampler with its version and options; a mixture's samplers likewise, under its option ``hints``."""
    ref = part_ref(hints, "train hints")
    nested = {"hints": [_hints_identity(inner) for inner in ref.options["hints"]]} if "hints" in ref.options else {}
    return {"name": current().record("hints", ref.name).identity, **ref.options, **nested}


def _recipe_parts(recipe: RecipeRow, train_hints: str | dict[str, Any]) -> dict[str, Any]:
    """The versions of the parts a recipe names; looking them up is also the check that they exist."""
    registry = current()
    objective = part_ref(recipe.objective, "objective")
    return {
        "hints": _hints_identity(train_hints),
        "objective": registry.record("objectives", objective.name).identity,
        "losses": [registry.record("losses", loss).identity for loss in sorted(recipe.losses)],
    }
