"""What ``--set`` reaches beside options of models: fields of the suite (``suite.size``) and of recipes (``recipe.lr``),
and the executor's options (``executor.gpus``), which the suite holds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from zoo.core.errors import BadInput, ZooError, did_you_mean
from zoo.core.kinds import KIND_OF_ROLE
from zoo.core.spec import RecipeRow
from zoo.core.strict_yaml import decode
from zoo.harness.plan.planned_run import shown_options
from zoo.harness.plan.suite import Suite, load_suite, own_suite
from zoo.harness.results.run_record import RunRecord

SUITE, RECIPE, EXECUTOR = "suite", "recipe", "executor"

_OF_MODELS = ("options", "model_options")
"""Fields of a suite that no protocol tells apart: set there, a row would take the place of another one of its name."""

_ABOUT = ("name", "summary", "base", "models", "seeds", "data", "test_data", "executor", "track")
"""Fields that decide no number of a run, or that options of their own say."""


class Settings(NamedTuple):
    """By what they are of: the models' options, the suite's fields and the recipes', each by its path from there."""

    models: dict[str, Any]
    suite: dict[str, Any]
    recipe: dict[str, Any]


def divided(settings: Mapping[str, Any]) -> Settings:
    """
    Raises:
        BadInput: a word before a point that is nothing, with the nearest.
    """
    found = Settings({}, {}, {})
    for key, value in settings.items():
        word, point, path = key.partition(".")
        if point and word in (SUITE, RECIPE):
            (found.suite if word == SUITE else found.recipe)[path] = value
        elif point and word == EXECUTOR:
            found.suite[key] = value
        elif point and word not in KIND_OF_ROLE:
            known = (SUITE, RECIPE, EXECUTOR, *KIND_OF_ROLE)
            raise BadInput(f"--set {key}: there is no {word!r} to set anything of; {did_you_mean(word, known)}")
        else:
            found.models[key] = value
    return found


def changed_suite(suite: Suite, settings: Mapping[str, Any], given: Collection[str] = ()) -> Suite:
    """The suite with what was set of it.

    Args:
        given: fields that options of their own say.

    Raises:
        BadInput: an unknown field with the nearest one, a value that does not fit, or a field that is said twice.
    """
    if not settings:
        return suite
    for path in settings:
        field = path.partition(".")[0]
        if field in given:
            raise BadInput(f"--set {SUITE}.{path} and --{field.replace('_', '-')} say the same thing; give one.")
        if field in _OF_MODELS:
            raise BadInput(f"--set {SUITE}.{path}: sizes of models are set without the suite: --set width=16.")
        if field == "base":
            raise BadInput(f"--set {SUITE}.{path}: a base is for a suite's file; name the other suite with --suite.")
    if isinstance(size := settings.get("size"), int):
        # What photos are cropped from, and what batches are shown at, stay the shares of it that they were.
        scaled: dict[str, Any] = {}
        if suite.load_size:
            scaled["load_size"] = round(size * suite.load_size / suite.size)
        if suite.train_sizes:
            scaled["train_sizes"] = [round(size * side / suite.size) for side in suite.train_sizes]
        settings = {**settings, **{field: value for field, value in scaled.items() if field not in settings}}
    return _changed(suite, settings, SUITE)


def set_apart(suite: Suite, usual: Suite) -> dict[str, Any]:
    """What ``suite`` says otherwise than ``usual``, for :func:`changed_suite`; but for its photos and its rows."""
    said, usually = msgspec.to_builtins(suite), msgspec.to_builtins(usual)
    found = {
        field: value for field, value in said.items() if field not in (*_ABOUT, *_OF_MODELS) and value != usually[field]
    }
    if budget := found.pop("budget", None):
        found |= {f"budget.{unit}": value for unit, value in budget.items() if value is not None}
    return found


def suite_set_in(record: RunRecord, run_folder: Path) -> list[str]:
    """What was set of the suite that a run was made under, as ``--set`` takes it: ``suite.size=32``.

    Nothing is known of a suite that is not here, or that another zoo wrote.
    """
    try:
        apart = set_apart(own_suite(record, run_folder), load_suite(record.suite))
    except ZooError:
        return []
    return [shown_options({f"{SUITE}.{path}": value}).strip() for path, value in sorted(apart.items())]


def changed_recipe(recipe: RecipeRow, settings: Mapping[str, Any]) -> RecipeRow:
    """The recipe with what was set of every recipe.

    Raises:
        BadInput: an unknown field with the nearest one, or a value that does not fit.
    """
    return _changed(recipe, settings, RECIPE) if settings else recipe


Rules = TypeVar("Rules", Suite, RecipeRow)


def _changed(rules: Rules, settings: Mapping[str, Any], what: str) -> Rules:
    """All settings at once; one that is wrong by itself is told by its own name."""
    try:
        return decode(
            _with(msgspec.to_builtins(rules), settings, what), type(rules), f"--set {what}.{next(iter(settings))}"
        )
    except BadInput:
        for path, value in settings.items():
            decode(_with(msgspec.to_builtins(rules), {path: value}, what), type(rules), f"--set {what}.{path}")
        raise


def _with(plain: dict[str, Any], settings: Mapping[str, Any], what: str) -> dict[str, Any]:
    for path, value in settings.items():
        *inwards, last = path.split(".")
        if inwards == ["budget"]:
            plain["budget"] = {last: value}  # which is one of its fields, and no other
            continue
        inner = plain
        for depth, word in enumerate(inwards):
            if depth == 0 and word not in plain:
                break  # what decodes it knows the names
            below = inner.get(word)
            if isinstance(below, str):
                below = {"name": below}  # a part without options, which is getting one
            elif below is None:
                below = {}
            elif not isinstance(below, dict):
                raise BadInput(f"--set {what}.{path}: {word} has nothing in it to set.")
            if inwards[0] == "sweeps" and depth == 1 and word not in inner:
                raise BadInput(f"--set {what}.{path}: there is no sweep {word!r}; {did_you_mean(word, inner)}")
            inner[word] = below
            inner = below
        else:
            inner[last] = value
            continue
        plain[inwards[0]] = value
    return plain
