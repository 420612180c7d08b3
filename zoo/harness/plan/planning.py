"""From a request to runs: which models, under which protocol, and a key for each.

A run's key is a hash of what decides its result. The device, versions of torch, the commit and the
date are provenance and not in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from zoo.core.errors import ZooError, bounded
from zoo.core.identity import sources_in
from zoo.core.registry import current
from zoo.core.resolve import COLORIZER_OPTIONS, PROPAGATOR, resolve, takes_option
from zoo.core.spec import UNTRAINED, ModelSpec, RecipeRow, fingerprint
from zoo.harness.plan.keys import Rules, recipe_parts, sized, training_identity
from zoo.harness.plan.planned_run import PlannedRun, Run, UnresolvedRun, shown_options
from zoo.harness.plan.settings import changed_recipe
from zoo.harness.plan.suite import Suite
from zoo.harness.training.budget import Budget


class Unresolved(msgspec.Struct, frozen=True):
    """Why a model has no spec, in one sentence."""

    reason: str


def third_party(model: str) -> bool:
    """Whether a model comes from an installed plugin: it is then first touched in a process of its own."""
    return current().entry("models", model).row is None


def check_options(models: Sequence[str], options: Mapping[str, Any], suite: Suite) -> None:
    """Every option must fit, and be named by one of the models at least; a typo must not pass unseen.

    Raises:
        BadInput: an option nobody names, or a value of the wrong type.
    """
    ours = [model for model in models if not third_party(model)]
    for option, value in options.items():
        takers = [model for model in ours if takes_option(model, option, options, _sizes(model, suite))]
        if not takers and len(ours) == len(models):
            takers = ours[:1]  # its own error knows the names that are near
        for model in takers:
            upon = {key: options[key] for key in (PROPAGATOR,) if key in options and takes_option(model, key)}
            resolve(model, {**upon, option: value}, defaults=_sizes(model, suite))


def _sizes(model: str, suite: Suite) -> Mapping[str, Any]:
    """The suite's sizes for our own rows."""
    return suite.options if current().entry("models", model).builtin else {}


def option_in(spec: ModelSpec, option: str) -> bool:
    """Whether a resolved model holds the option; nothing is imported for it."""
    role, dot, bare = option.partition(".")
    if dot:
        return role in spec.parts and bare in spec.parts[role].options
    if spec.baseline and option in (PROPAGATOR, *COLORIZER_OPTIONS):
        return False
    if option in COLORIZER_OPTIONS:  # all but the gain are of what stands upon a propagator
        return option == "hint_gain" or PROPAGATOR in spec.parts
    if option == PROPAGATOR:  # of a network, whether it stands upon one or, with none, does not
        return bool(set(spec.parts) - {PROPAGATOR})
    return any(option in ref.options for ref in spec.parts.values())


def resolve_model(
    model: str, suite: Suite, options: Mapping[str, Any] = MappingProxyType({})
) -> ModelSpec | Unresolved:
    """The model's spec under the suite's and the caller's options, or the reason why there is none.

    A suite's ``options`` are sizes of our own rows; another's row keeps its sizes, unless ``model_options`` name it:
    these hold as the caller's do, who has the last word.
    """
    try:
        entry, sizes = current().entry("models", model), _sizes(model, suite)
        taken = {key: value for key, value in options.items() if takes_option(model, key, options, sizes)}
        # A suite may say ``name@distribution`` where the bench says the bare name, or the other way round.
        of_it = [said for name, said in suite.model_options.items() if current().entry("models", name) == entry]
        named = {key: value for said in of_it for key, value in said.items() if key not in taken}
        spec = resolve(model, {**named, **taken}, defaults=sizes)
        return msgspec.structs.replace(spec, defaults={**spec.defaults, **named})
    except ZooError as error:
        return Unresolved(bounded(str(error)))


def plan_runs(model: str, spec: ModelSpec | Unresolved, rules: Rules, *, recipe: str = "") -> list[Run]:
    """The runs of one model, one a seed.

    Args:
        spec: from :func:`resolve_model`.
        recipe: one that takes the place of the model's own, and is in the label where it is another.

    Raises:
        UnknownName, BadInput: a recipe, or one of its parts, that does not exist.
    """
    suite, weights = rules.suite, rules.weights
    common: dict[str, Any] = {
        "model": model,
        "suite": suite,
        "protocol": rules.protocol,
        "data": rules.data,
        "device": rules.device,
    }

    def unresolved(reason: str) -> list[Run]:
        key = fingerprint({"broken": model, **rules.protocol.fields})
        return [UnresolvedRun(label=model, seed=0, key=key, error=reason, **common)]

    if isinstance(spec, Unresolved):
        return unresolved(spec.reason)
    try:
        name, row, train_hints = _recipe_of(spec, rules, recipe)
    except ZooError as refusal:
        if not third_party(model):
            raise
        return unresolved(str(refusal))  # a stranger's recipe costs the stranger's rows only
    if not suite.trains and not weights and name != UNTRAINED:
        return unresolved(f"The suite {suite.name!r} trains nothing, and {model!r} is to be trained.")
    batch = suite.batch or row.batch or 16
    budget = suite.budget or Budget(epochs=row.epochs or 10)
    training = training_identity(
        spec, rules, recipe_name=name, recipe=row, train_hints=train_hints, batch=batch, budget=budget
    )
    keys: dict[str, Any] = {"training_key": fingerprint(training), "scoring_key": fingerprint(rules.scoring)}
    told = {key: value for key, value in rules.settings.models.items() if option_in(spec, key)}
    if name != UNTRAINED:
        told |= {f"recipe.{key}": value for key, value in rules.settings.recipe.items()}
        told |= {"recipe": recipe} if recipe not in ("", spec.recipe) else {}
    label = model + shown_options(told)
    shared = {**common, "label": f"{label} ({weights.file.stem} {weights.sha256[:8]})" if weights else label}
    return [
        PlannedRun(
            seed=seed,
            key=fingerprint(keys),
            **keys,
            spec=spec,
            recipe_name=name,
            recipe=row,
            batch=batch,
            budget=budget,
            train_hints=train_hints,
            lpips_trunk=rules.lpips_trunk,
            weights=weights,
            options=dict(rules.settings.models),
            sources=sources_in([training, rules.scoring]),
            resembled=0 if name == UNTRAINED else rules.resembled,
            **shared,
        )
        for seed in range(rules.first_seed, rules.first_seed + (1 if weights else suite.seeds))
    ]


def _recipe_of(spec: ModelSpec, rules: Rules, asked: str) -> tuple[str, RecipeRow, str | dict[str, Any]]:
    """The recipe's name, the recipe at the suite's sizes, and the sampler in training; all of its parts are there.

    Raises:
        ZooError: one is not.
    """
    suite, trained = rules.suite, not rules.weights and spec.recipe != UNTRAINED
    name = (asked or suite.recipe or spec.recipe) if trained else UNTRAINED
    row = current().recipe(name)
    recipe = sized(changed_recipe(row, rules.settings.recipe) if trained else row, suite.options)
    sampler = suite.train_hints or recipe.train_hints or "none"
    recipe_parts(msgspec.structs.replace(recipe, train_hints=sampler), f"recipe {name!r}")
    for extra in spec.extras:
        current().entry("extras", extra)
    return name, recipe, sampler
