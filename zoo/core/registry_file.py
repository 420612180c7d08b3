"""A registry file, the built-in one or a user's: its rows, its recipes and the published weights it knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from zoo.core.errors import BadInput, did_you_mean
from zoo.core.kinds import KIND_OF_ROLE, KINDS
from zoo.core.record import BUILT_IN, COMPOSED, OURS, USERS, Record, check_name
from zoo.core.spec import ModelRow, PartRow, RecipeRow, WeightsRow, part_ref
from zoo.core.strict_yaml import decode, read_mapping

SECTIONS = ("parts", "models", "recipes", "weights")


class RegistryFile(NamedTuple):
    """What one file holds: its rows, its recipes by name, its published weights by name."""

    records: list[Record]
    recipes: dict[str, RecipeRow]
    weights: dict[str, WeightsRow]


def read_registry_file(file: Path, known: Mapping[str, RecipeRow], *, builtin: bool = False) -> RegistryFile:
    """Read one file.

    Args:
        known: the recipes of the files before it, which its own may take as their ``base``.
        builtin: whether it is the package's own.

    Raises:
        BadInput: it cannot be read or does not fit the table's form.
    """
    table = read_mapping(file)
    shown = "registry.yaml" if builtin else str(file)
    for key in table:
        if key not in SECTIONS:
            raise BadInput(f"{shown}: unknown key {key!r}; {did_you_mean(key, SECTIONS)}")
    recipes = _recipes(_section(table, "recipes", shown), known, shown)
    weights = {
        check_name(name, f"{shown}, weights"): decode(value, WeightsRow, f"{shown}, weights {name!r}")
        for name, value in _section(table, "weights", shown).items()
    }
    return RegistryFile(list(_rows(table, shown, builtin)), recipes, weights)


def _rows(table: dict[str, Any], shown: str, builtin: bool) -> Iterable[Record]:
    whole = {role: _section(table.get("parts") or {}, KIND_OF_ROLE[role], shown) for role in ("network", "propagator")}
    for name, value in _section(table, "models", shown).items():
        row = decode(value, ModelRow, f"{shown}, model {name!r}")
        if row.target is not None and name in whole["network"]:
            raise BadInput(f"{shown}, model {name!r}: its 'target' is given under networks too; leave one out.")
        own, network = apart(name, row)
        named = [each for each in row.parts() if each[0] != "extras"]
        if len(named) == 1:
            ((role, _, ref),) = named
            own = _with_words_of(own, whole.get(role, {}).get(part_ref(ref, f"{shown}, model {name!r}").name))
        yield _record("models", name, own, shown, builtin)
        if network is not None:
            yield _record("networks", name, network, shown, builtin)
    for kind in _section(table, "parts", shown):
        if kind not in KINDS:
            raise BadInput(f"{shown}: unknown kind {kind!r} under 'parts'; {did_you_mean(kind, KINDS)}")
        for name, value in _section(table["parts"], kind, shown).items():
            yield _record(kind, name, decode(value, PartRow, f"{shown}, {kind} {name!r}"), shown, builtin)


def _recipes(section: dict[str, Any], known: Mapping[str, RecipeRow], shown: str) -> dict[str, RecipeRow]:
    recipes: dict[str, RecipeRow] = {}
    for name, value in section.items():
        check_name(name, f"{shown}, recipes")
        recipes[name] = _recipe(value, {**known, **recipes}, f"{shown}, recipe {name!r}")
    return recipes


def _recipe(value: Any, above: Mapping[str, RecipeRow], where: str) -> RecipeRow:
    """A recipe; with a ``base``, that recipe with what is given here in place of its own."""
    if not isinstance(value, dict) or "base" not in value:
        return decode(value, RecipeRow, where)
    base = value["base"]
    if not isinstance(base, str):
        raise BadInput(f"{where}: 'base' holds a {type(base).__name__}; the name of a recipe is expected.")
    if base not in above:
        raise BadInput(f"{where}: its base {base!r} is no recipe above it; {did_you_mean(base, above)}")
    given = {key: item for key, item in value.items() if key != "base"}
    own = decode(given, RecipeRow, where)
    # The words are about one recipe and are not inherited.
    changes = {key: getattr(own, key) for key in {*given, "summary", "source"}}
    return msgspec.structs.replace(above[base], **changes)


def _section(table: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    section = table.get(key) or {}
    if not isinstance(section, dict):
        raise BadInput(f"{where}: {key!r} holds a {type(section).__name__}; a mapping of names is expected.")
    return section


def _with_words_of(row: ModelRow, part: Any) -> ModelRow:
    """What the row of its only part says need not be said again in a model's."""
    words = {key: part.get(key) for key in ("summary", "source", "licence")} if isinstance(part, dict) else {}
    return msgspec.structs.replace(row, **{key: word for key, word in words.items() if word and not getattr(row, key)})


def apart(name: str, row: ModelRow) -> tuple[ModelRow, PartRow | None]:
    """A row with a ``target`` as two: the model, and the network of its name that it stands for."""
    if row.target is None:
        return row, None
    network = PartRow(
        target=row.target, summary=row.summary, source=row.source, licence=row.licence, version=row.version
    )
    if row.network is not None:
        raise BadInput(f"model {name!r}: a row has either a 'target' or a 'network', not both.")
    return msgspec.structs.replace(row, target=None, network=name), network


def _record(kind: str, name: str, row: PartRow | ModelRow, shown: str, builtin: bool) -> Record:
    check_name(name, f"{shown}, {kind}")
    return Record(
        kind=kind,
        name=name,
        target=row.target or COMPOSED,
        distribution=OURS if builtin else USERS,
        version=str(row.version),
        origin=BUILT_IN if builtin else shown,
        row=row,
    )
