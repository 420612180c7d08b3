"""What decides a run's result, and what makes it comparable: the contents of its keys.

A run has two: of its training (the weights that come out) and of its scoring (what is measured on them). Another
metric is another scoring of the same training. Device, library versions, the commit and the date are provenance
and in neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any

import msgspec

from zoo.core.errors import BadInput, BrokenPlugin, ZooError
from zoo.core.identity import part_identity, short_identity
from zoo.core.kinds import option_names
from zoo.core.registry import current
from zoo.core.resolve import resolve, takes_option
from zoo.core.spec import GivenWeights, ModelSpec, RecipeRow, part_ref
from zoo.harness.plan.saved_hints import definition, sampler_identity
from zoo.harness.plan.settings import Settings, changed_recipe
from zoo.harness.plan.suite import Suite
from zoo.harness.results.protocol import Protocol, SweptHints
from zoo.harness.results.run_record import Data
from zoo.harness.training.budget import Budget
from zoo.harness.training.device import pick_device, pick_precision

PROTOCOL_VERSION = 2
"""Raise it when the harness changes what a number means."""

HINT_ERROR_VERSION = 2
"""1 measured it against the photo; 2 against the hint that was given, which of a patch is the mean."""

IN_TRAINING = (
    "batch",
    "budget",
    "channels_last",
    "compile",
    "curve",
    "data",
    "deterministic",
    "fit",
    "load_size",
    "model_options",
    "options",
    "precision",
    "recipe",
    "size",
    "smallest",
    "threads",
    "train_hints",
    "train_sizes",
    "version",
)
"""The fields of a suite that decide what is trained. Data is there by its content, options by the model's."""

IN_SCORING = (
    "data",
    "eval_hints",
    "fit",
    "hint_seed",
    "metrics",
    "old_print",
    "psnr_target",
    "size",
    "smallest",
    "split",
    "sweep_limit",
    "sweeps",
    "test_data",
    "test_limit",
    "trains",
    "version",
)
"""Those that decide what is measured."""

DECIDING_NOTHING = (
    "base",
    "checkpoint_every",
    "executor",
    "models",
    "name",
    "pictures",
    "seeds",
    "summary",
    "timeout",
    "track",
)
"""Those that decide no number of a run."""


def protocol_of(suite: Suite, data: Data, digests: Mapping[str, str]) -> Protocol:
    """What decides whether two rows may be compared: data, size, crop, hints, budget, rulers.

    Args:
        data: what :func:`~zoo.harness.plan.suite.describe_data` says of the photos.
        digests: the digest of each sweep's saved hints.

    Raises:
        UnknownName, BrokenPlugin, BadInput: a part that the suite names is not there, or has no such option.
    """
    where = f"suite {suite.name!r}"
    return Protocol(
        version=PROTOCOL_VERSION,
        suite_version=suite.version,
        size=suite.size,
        load_size=suite.bank_size,
        train_sizes=list(suite.train_sizes) if suite.train_sizes else msgspec.UNSET,
        fit=suite.fit,
        train=data.train.fingerprint,
        validation=data.validation.fingerprint if data.validation else "" if suite.trains else msgspec.UNSET,
        test=data.test.fingerprint,
        eval_hints=sampler_identity(suite.eval_hints, f"{where}, eval_hints"),
        hint_seed=suite.hint_seed,
        old_print=msgspec.structs.asdict(suite.old_print) if suite.old_print else msgspec.UNSET,
        sweeps={
            name: msgspec.convert({**definition(sweep), "digest": digests.get(name)}, SweptHints)
            for name, sweep in suite.sweeps.items()
        },
        sweep_limit=suite.sweep_limit,
        batch=suite.batch,
        budget=suite.budget,
        recipe=suite.recipe,
        train_hints=suite.train_hints,
        metrics=[short_identity(metric) for metric in _metrics(suite)],
    ).sealed()


def _metrics(suite: Suite) -> list[dict[str, Any]]:
    return [part_identity("metrics", metric, f"suite {suite.name!r}, metrics") for metric in suite.metrics]


def training_identity(
    spec: ModelSpec,
    rules: Rules,
    *,
    recipe_name: str,
    recipe: RecipeRow,
    train_hints: str | dict[str, Any],
    batch: int,
    budget: Budget,
) -> dict[str, Any]:
    """What decides the weights that come out of a training; of the device it is the precision, ``fp32`` or another.

    Raises:
        ZooError: a part that the recipe names is not there, or has no such option.
    """
    suite = rules.suite
    return {
        "version": PROTOCOL_VERSION,
        "suite_version": suite.version,
        "spec": spec.identity(),
        "extras": [part_identity("extras", name, f"model {spec.name!r}, extras") for name in spec.extras],
        "recipe": recipe.identity(),
        "recipe_parts": recipe_parts(recipe, f"recipe {recipe_name!r}"),
        "hints": part_identity("hints", train_hints, f"recipe {recipe_name!r}, hints"),
        "batch": batch,
        "budget": msgspec.to_builtins(budget),
        "size": suite.size,
        "load_size": suite.bank_size,
        # What is trained at one size has the key that it had before there could be several.
        **({"train_sizes": list(suite.train_sizes)} if suite.train_sizes else {}),
        "fit": suite.fit,
        "train": rules.data.train.fingerprint,
        "curve": suite.curve,
        "precision": pick_precision(suite.precision, pick_device(rules.device)),
        "compile": suite.compile,
        "channels_last": suite.channels_last,
        "deterministic": suite.deterministic,
        "threads": suite.threads,
        "weights": rules.weights.sha256 if rules.weights else "",
    }


def scoring_identity(suite: Suite, protocol: Protocol, *, lpips_trunk: str) -> dict[str, Any]:
    """What decides the scores of trained weights.

    Args:
        lpips_trunk: a file that LPIPS' trunk is read from, or empty.

    Raises:
        BadInput: that file cannot be read.
    """
    given = {"name": "lpips", "trunk": lpips_trunk} if lpips_trunk and "lpips" in suite.metrics else None
    trunk = part_identity("metrics", given, "--lpips-trunk")["ingredients"] if given else {}
    return {
        "protocol": protocol.fields,
        "metrics": _metrics(suite),
        "eval_hints": part_identity("hints", suite.eval_hints),
        "sweeps": [part_identity("hints", sweep.sampler) for sweep in suite.sweeps.values()],
        "psnr_target": suite.psnr_target,
        "hint_error": HINT_ERROR_VERSION,
        "lpips_trunk": trunk.get("trunk", ""),
    }


class Rules(msgspec.Struct, frozen=True, dict=True):
    """What is the same for every row of a bench.

    Args:
        digests: the digest of each sweep's saved hints; none where none are going to be swept.
        lpips_trunk: a file that LPIPS' trunk is read from, or empty.
        settings: options of the models, for the label, since a spec has them already; and fields of all recipes.
        weights: a file that takes the place of training; there is one seed then.
        first_seed: the number of the first seed.
        resembled: how many of the photos to be scored resemble training photos.
    """

    suite: Suite
    data: Data
    device: str = "auto"
    digests: dict[str, str] = {}
    lpips_trunk: str = ""
    settings: Settings = Settings({}, {}, {})
    weights: GivenWeights | None = None
    first_seed: int = 0
    resembled: int = 0

    @cached_property
    def protocol(self) -> Protocol:
        """As :func:`protocol_of`, which raises what this raises."""
        return protocol_of(self.suite, self.data, self.digests)

    @cached_property
    def scoring(self) -> dict[str, Any]:
        """As :func:`scoring_identity`, which raises what this raises."""
        return scoring_identity(self.suite, self.protocol, lpips_trunk=self.lpips_trunk)


def recipe_parts(recipe: RecipeRow, where: str) -> dict[str, Any]:
    """The identity of every part that a recipe names; looking them up is also the check that they are there.

    Raises:
        ZooError: one is not, or has no such option.
    """
    return {field: part_identity(kind, ref, f"{where}, {field}") for field, kind, ref in recipe.parts()}


def check_suite(suite: Suite) -> None:
    """Refuse what a suite names and nothing is registered under, or with options that it does not have.

    Raises:
        ZooError: in one sentence, with the suite, the field and the nearest names.
    """
    registry, where = current(), f"suite {suite.name!r}"
    samplers = {"eval_hints": suite.eval_hints, "train_hints": suite.train_hints}
    samplers |= {f"sweeps, {name}": sweep.sampler for name, sweep in suite.sweeps.items()}
    for field, ref in samplers.items():
        if ref is not None:
            part_identity("hints", ref, f"{where}, {field}")
    _metrics(suite)
    registry.entry("executors", part_ref(suite.executor, f"{where}, executor").name)
    for tracker in suite.track:
        registry.entry("trackers", tracker)
    if suite.recipe is not None:
        recipe_parts(registry.recipe(suite.recipe), f"recipe {suite.recipe!r}")
    for model, options in suite.model_options.items():
        try:
            if registry.entry("models", model).row is not None:  # a stranger's is looked at in a process of its own
                resolve(model, options)
        except BrokenPlugin:
            pass  # it costs its own row
        except ZooError as error:
            raise type(error)(f"{where}, model_options: {error}") from None
    for option in suite.options:
        if not _of_ours(option, suite.options):
            raise BadInput(
                f"{where}, options: no model of ours takes {option!r}; zoo show MODEL names those it has, and "
                "model_options are for others' models."
            )


def _of_ours(option: str, beside: Mapping[str, Any]) -> bool:
    """Whether an objective or a model of our own table takes an option."""
    registry = current()
    for name in registry.names("objectives"):
        if registry.entry("objectives", name).builtin and option in option_names(registry.load("objectives", name)):
            return True
    ours = (name for name in registry.names("models") if registry.entry("models", name).builtin)
    return any(takes_option(name, option, defaults=beside) for name in ours)


def check_recipes(
    models: Iterable[str], suite: Suite, asked: Sequence[str] = (), settings: Mapping[str, Any] = MappingProxyType({})
) -> None:
    """The same of the recipes that are asked for, or else of those that the models of our own table and of the user's
    files name, where the suite has none; with what is set of them.

    Raises:
        ZooError: as :func:`check_suite`.
    """
    names = asked or ([suite.recipe] if suite.recipe else [current().model_row(model).recipe for model in models])
    for name in dict.fromkeys(names):
        recipe_parts(changed_recipe(current().recipe(name), settings), f"recipe {name!r}")


def sized(recipe: RecipeRow, options: Mapping[str, Any]) -> RecipeRow:
    """The recipe with the suite's options in its objective, where that is ours and names them.

    A discriminator has a width too.
    """
    ref = part_ref(recipe.objective, "objective")
    registry = current()
    if not registry.entry("objectives", ref.name).builtin:
        return recipe
    named = option_names(registry.load("objectives", ref.name))
    taken = {key: value for key, value in options.items() if key in named}
    if not taken:
        return recipe
    return msgspec.structs.replace(recipe, objective={"name": ref.name, **ref.options, **taken})
