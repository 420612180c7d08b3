"""The registry: a table of names, read from registry.yaml and from entry points. Torch-free.

Nothing is registered by being imported, and listing imports nothing. A part is imported when it
is first loaded; one that cannot be is marked broken, with its error, and everything else goes on.
"""

from __future__ import annotations

import contextlib
import fnmatch
import importlib
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from zoo.core import registry_rows
from zoo.core.errors import AmbiguousName, BadInput, BrokenPlugin, ContractError, UnknownName, cause_of, did_you_mean
from zoo.core.kinds import KINDS
from zoo.core.registry_rows import (
    COMPOSED,
    Entry,
    Misplaced,
    misplaced_entry_points,
    of_entry_points,
    read_registry_file,
)
from zoo.core.spec import ModelRow, RecipeRow, WeightsRow, part_ref
from zoo.core.strict_yaml import decode


class Registry:
    """The table. Built by :meth:`read`; reached through :func:`current`."""

    def __init__(
        self,
        entries: Iterable[Entry],
        recipes: Mapping[str, RecipeRow],
        files: tuple[Path, ...] = (),
        weights: Mapping[str, WeightsRow] | None = None,
        versions: Mapping[str, str] = MappingProxyType({}),
    ):
        self.files = files
        self._versions = dict(versions)
        self.recipes = dict(recipes)
        self.weights = dict(weights or {})
        self._table: dict[str, dict[str, list[Entry]]] = {kind: defaultdict(list) for kind in KINDS}
        for entry in entries:
            self._table[entry.kind][entry.name].append(entry)
        self._loaded: dict[tuple[str, str], Any] = {}
        self._broken: dict[tuple[str, str], str] = {}

    @classmethod
    def read(cls, files: Iterable[Path] = ()) -> Registry:
        """The built-in table, overlaid by the user's ``files`` in order, then the entry points.

        Raises:
            BadInput: a file that cannot be read or does not fit the table's form.
        """
        files = tuple(Path(file).resolve() for file in files)
        rows: dict[tuple[str, str], Entry] = {}
        recipes: dict[str, RecipeRow] = {}
        weights: dict[str, WeightsRow] = {}
        versions: dict[str, str] = {}
        named_in: dict[Path, dict[str, RecipeRow]] = {}
        for file in (registry_rows.registry_file(), *files):
            found = read_registry_file(file, recipes, builtin=file not in files)
            rows.update({(entry.kind, entry.name): entry for entry in found.entries})
            recipes.update(found.recipes)
            weights.update(found.weights)
            named_in[file] = found.recipes
            if file not in files:
                versions = _versions(found.entries)
            elif any(entry.target != COMPOSED for entry in found.entries) and str(file.parent) not in sys.path:
                # Its rows may name modules beside it. Last on the path: a file there takes the place of nothing that
                # is installed, and everybody else's imports stay.
                sys.path.append(str(file.parent))
        registry = cls([*rows.values(), *of_entry_points()], recipes, files, weights, versions)
        for file in files:
            registry._check_names(str(file), rows.values(), named_in[file])
        return registry

    def _check_names(self, file: str, rows: Iterable[Entry], recipes: Mapping[str, RecipeRow]) -> None:
        """Refuse a name in a user's file that nothing is registered under; nothing is imported.

        Raises:
            BadInput: with the row, and the nearest names.
        """
        for entry in rows:
            if entry.origin == file and isinstance(entry.row, ModelRow):
                where = f"{file}, model {entry.name!r}"
                self._check_all(where, entry.row.parts())
                if entry.row.recipe not in self.recipes:
                    raise BadInput(f"{where}: its recipe: {self._unknown_recipe(entry.row.recipe)}")
        for name, recipe in recipes.items():
            self._check_all(f"{file}, recipe {name!r}", recipe.parts())

    def _check_all(self, where: str, parts: Iterable[tuple[str, str, Any]]) -> None:
        for field, kind, ref in parts:
            try:
                self.entry(kind, part_ref(ref, f"{where}, {field}").name)
            except (UnknownName, AmbiguousName) as error:
                raise BadInput(f"{where}, {field}: {error}") from None

    def names(self, kind: str, pattern: str = "*") -> list[str]:
        """The names of ``kind`` that match the glob, sorted; colliding ones as ``name@distribution``."""
        names: list[str] = []
        for name, entries in self._kind(kind).items():
            if _owner(entries) is not None:
                names.append(name)
                names.extend(r.qualified for r in entries if r is not _owner(entries))
            else:
                names.extend(r.qualified for r in entries)
        return sorted(name for name in names if fnmatch.fnmatchcase(name, pattern))

    def entry(self, kind: str, name: str) -> Entry:
        """The row behind a name, bare or ``name@distribution``.

        Raises:
            UnknownName: with the nearest names.
            AmbiguousName: two distributions register the bare name.
        """
        table = self._kind(kind)
        bare, _, distribution = name.partition("@")
        entries = table.get(bare, [])
        if kind == "networks" and all(distribution not in ("", entry.distribution) for entry in entries):
            entries = self._plugins_networks(bare, distribution) or entries
        if distribution:
            for entry in entries:
                if entry.distribution == distribution:
                    return entry
        elif entries:
            owner = _owner(entries)
            if owner is not None:
                return owner
            choices = " and ".join(sorted(r.qualified for r in entries))
            raise AmbiguousName(
                f"Two distributions register the {KINDS[kind].singular} {bare!r}: {choices}; use one of these names."
            )
        raise UnknownName(
            f"Unknown {KINDS[kind].singular} {name!r}; {self.astray(bare) or did_you_mean(name, self.names(kind))}"
        )

    @cached_property
    def misplaced(self) -> list[Misplaced]:
        """What installed distributions register where nobody reads it."""
        return misplaced_entry_points()

    def astray(self, name: str) -> str:
        """The end of an error sentence for a name that is registered where nobody reads it; else nothing."""
        return next((str(each) for each in self.misplaced if each.name == name), "")

    def load(self, kind: str, name: str) -> Any:
        """The object a name stands for, imported on first use.

        Raises:
            UnknownName, AmbiguousName: as :meth:`entry`.
            BrokenPlugin: it cannot be imported; said once, remembered.
        """
        entry = self.entry(kind, name)
        key = kind, entry.qualified
        if key in self._broken:
            raise BrokenPlugin(self._broken[key])
        if key not in self._loaded:
            try:
                self._loaded[key] = _import(entry.target)
            except (Exception, SystemExit) as error:
                # SystemExit too: a plugin that calls sys.exit() on import must not take the zoo down.
                self._broken[key] = (
                    f"The {KINDS[kind].singular} {entry.name!r} of {entry.distribution} {entry.version} cannot be "
                    f"imported ({entry.target}): {cause_of(error)}."
                )
                raise BrokenPlugin(self._broken[key]) from error
        return self._loaded[key]

    def model_row(self, name: str) -> ModelRow:
        """The row of a model; an entry point's class, mapping or row becomes one.

        Raises:
            UnknownName, AmbiguousName, BrokenPlugin: as :meth:`load`.
            ContractError: the entry point names something that is not a model.
        """
        entry = self.entry("models", name)
        if isinstance(entry.row, ModelRow):
            return entry.row
        found = self.load("models", name)
        if isinstance(found, Mapping):
            found = decode(dict(found), ModelRow, f"{entry.distribution}, model {entry.name!r}")
        elif callable(found):
            summary = (getattr(found, "__doc__", None) or "").strip().partition("\n")[0]
            found = ModelRow(
                target=entry.target,
                summary=summary,
                recipe=getattr(found, "recipe", "default"),
                extras=list(getattr(found, "extras", ())),
            )
        if not isinstance(found, ModelRow):
            raise ContractError(
                f"The model {entry.name!r} of {entry.distribution} is a {type(found).__name__}; "
                "a callable, a mapping or a ModelRow is expected."
            )
        if found.target is None:
            return found
        known = self._table["networks"][entry.name]
        if all(each.qualified != entry.qualified for each in known):
            known.append(msgspec.structs.replace(entry, kind="networks", target=found.target))
        return msgspec.structs.replace(found, target=None, network=entry.qualified)

    def _plugins_networks(self, name: str, distribution: str) -> list[Entry]:
        """The whole networks that plugins' models of that name are; a run's own process asks for no model before."""
        for model in self._table["models"].get(name, []):
            if model.row is None and distribution in ("", model.distribution):
                with contextlib.suppress(ContractError, BadInput):  # no model at all, as whoever asks for it is told
                    self.model_row(model.qualified)
        return self._table["networks"].get(name, [])

    def recipe(self, name: str) -> RecipeRow:
        """The recipe of that name.

        Raises:
            UnknownName: with the nearest names.
        """
        try:
            return self.recipes[name]
        except KeyError:
            raise UnknownName(self._unknown_recipe(name)) from None

    def _unknown_recipe(self, name: str) -> str:
        return f"Unknown recipe {name!r}; {did_you_mean(name, self.recipes)}"

    def version_of(self, target: str) -> str:
        """The version that our own table gives a class of ours, whatever rows lie over it; empty for one it has not."""
        return self._versions.get(target, "")

    def state(self, entry: Entry) -> tuple[str, str]:
        """``(state, error)``: ``unloaded``, ``ok`` or ``broken``."""
        key = entry.kind, entry.qualified
        if key in self._broken:
            return "broken", self._broken[key]
        return ("ok" if key in self._loaded else "unloaded"), ""

    def _kind(self, kind: str) -> dict[str, list[Entry]]:
        try:
            return self._table[kind]
        except KeyError:
            raise UnknownName(f"Unknown kind {kind!r}; {did_you_mean(kind, KINDS)}") from None


def _versions(entries: Iterable[Entry]) -> dict[str, str]:
    """By class; several rows of one class count together."""
    found: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        found[entry.target].add(entry.version)
    return {target: ",".join(sorted(versions)) for target, versions in found.items()}


def _owner(entries: list[Entry]) -> Entry | None:
    """Who owns the bare name: a table's row before any plugin's, a plugin only when it is alone."""
    for entry in entries:
        if entry.row is not None:
            return entry
    return entries[0] if len(entries) == 1 else None


def _import(target: str) -> Any:
    """``package.module:Name.attribute`` → the object."""
    module_name, _, path = target.partition(":")
    found: Any = importlib.import_module(module_name.strip())
    for attribute in path.strip().split("."):
        if attribute:
            found = getattr(found, attribute)
    return found


_current: Registry | None = None


def current() -> Registry:
    """The registry in use: the built-in table and the entry points, unless :func:`use` said otherwise."""
    global _current
    if _current is None:
        _current = Registry.read()
    return _current


def use(registry: Registry | None) -> None:
    """Make ``registry`` the current one (None: read the default anew on next use)."""
    global _current
    _current = registry


def list_models(pattern: str = "*") -> list[str]:
    """The names of all registered colorizers that match the glob ``pattern``, sorted."""
    return current().names("models", pattern)
