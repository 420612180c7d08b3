"""The registry: a table of names, read from registry.yaml and from entry points. Torch-free.

Nothing is registered by being imported, and listing imports nothing. A part is imported when it
is first loaded; one that cannot be is marked broken, with its error, and everything else goes on.
"""

from __future__ import annotations

import fnmatch
import importlib
import importlib.metadata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from zoo.core import resources
from zoo.core.errors import AmbiguousName, BadInput, BrokenPlugin, ContractError, UnknownName, did_you_mean
from zoo.core.spec import KINDS, ModelRow, PartRow, RecipeRow
from zoo.core.strict_yaml import decode, read_mapping

OURS = "colorizer-zoo"
_SINGULAR = {kind: kind[:-1] for kind in KINDS} | {
    "losses": "loss",
    "hints": "hint sampler",
    "recipes": "recipe",
}


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One name in the table, and where it comes from.

    ``origin`` is ``built-in``, the path of a user's registry file, or the entry point that named it.
    ``row`` is None for an entry point: its class is not looked at before it is loaded.
    """

    kind: str
    name: str
    target: str
    distribution: str
    version: str
    origin: str
    row: PartRow | ModelRow | None = None

    @property
    def qualified(self) -> str:
        """``name@distribution``: unique even when bare names collide."""
        return f"{self.name}@{self.distribution}"

    @property
    def identity(self) -> str:
        """What a run's key holds of the part: a row's own version, or the distribution's."""
        if self.row is not None:
            return f"{self.name}:{self.row.version}"
        return f"{self.qualified}:{self.version}"


class Registry:
    """The table. Built by :meth:`read`; reached through :func:`current`."""

    def __init__(self, records: Iterable[Record], recipes: Mapping[str, RecipeRow], files: tuple[Path, ...] = ()):
        self.files = files
        self.recipes = dict(recipes)
        self._table: dict[str, dict[str, list[Record]]] = {kind: defaultdict(list) for kind in KINDS}
        for record in records:
            self._table[record.kind][record.name].append(record)
        self._loaded: dict[tuple[str, str], Any] = {}
        self._broken: dict[tuple[str, str], str] = {}

    @classmethod
    def read(cls, files: Iterable[Path] = ()) -> Registry:
        """The built-in table, overlaid by the user's ``files`` in order, then the entry points.

        Raises:
            BadInput: a file that cannot be read or does not fit the table's form.
        """
        files = tuple(Path(file).resolve() for file in files)
        rows: dict[tuple[str, str], Record] = {}
        recipes: dict[str, RecipeRow] = {}
        for file in (resources.registry_file(), *files):
            builtin = file not in files
            for record in _records_of(file, builtin=builtin, recipes=recipes):
                rows[record.kind, record.name] = record
        return cls([*rows.values(), *_entry_point_records()], recipes, files)

    def names(self, kind: str, pattern: str = "*") -> list[str]:
        """The names of ``kind`` that match the glob, sorted; colliding ones as ``name@distribution``."""
        names: list[str] = []
        for name, records in self._kind(kind).items():
            if _owner(records) is not None:
                names.append(name)
                names.extend(r.qualified for r in records if r is not _owner(records))
            else:
                names.extend(r.qualified for r in records)
        return sorted(name for name in names if fnmatch.fnmatchcase(name, pattern))

    def record(self, kind: str, name: str) -> Record:
        """The row behind a name, bare or ``name@distribution``.

        Raises:
            UnknownName: with the nearest names.
            AmbiguousName: two distributions register the bare name.
        """
        table = self._kind(kind)
        bare, _, distribution = name.partition("@")
        records = table.get(bare, [])
        if distribution:
            for record in records:
                if record.distribution == distribution:
                    return record
        elif records:
            owner = _owner(records)
            if owner is not None:
                return owner
            choices = " and ".join(sorted(r.qualified for r in records))
            raise AmbiguousName(
                f"Two distributions register the {_SINGULAR[kind]} {bare!r}: {choices}; use one of these names."
            )
        raise UnknownName(f"Unknown {_SINGULAR[kind]} {name!r}; {did_you_mean(name, self.names(kind))}")

    def load(self, kind: str, name: str) -> Any:
        """The object a name stands for, imported on first use.

        Raises:
            UnknownName, AmbiguousName: as :meth:`record`.
            BrokenPlugin: it cannot be imported; said once, remembered.
        """
        record = self.record(kind, name)
        key = kind, record.qualified
        if key in self._broken:
            raise BrokenPlugin(self._broken[key])
        if key not in self._loaded:
            try:
                self._loaded[key] = _import(record.target)
            except (Exception, SystemExit) as error:
                # SystemExit too: a plugin that calls sys.exit() on import must not take the zoo down.
                self._broken[key] = (
                    f"The {_SINGULAR[kind]} {record.name!r} of {record.distribution} {record.version} cannot be "
                    f"imported ({record.target}): {type(error).__name__}: {_first_line(error)}."
                )
                raise BrokenPlugin(self._broken[key]) from error
        return self._loaded[key]

    def model_row(self, name: str) -> ModelRow:
        """The row of a model; an entry point's class, mapping or row becomes one.

        Raises:
            UnknownName, AmbiguousName, BrokenPlugin: as :meth:`load`.
            ContractError: the entry point names something that is not a model.
        """
        record = self.record("models", name)
        if isinstance(record.row, ModelRow):
            return record.row
        found = self.load("models", name)
        if isinstance(found, ModelRow):
            return found
        if isinstance(found, Mapping):
            return decode(dict(found), ModelRow, f"{record.distribution}, model {record.name!r}")
        if callable(found):
            summary = (getattr(found, "__doc__", None) or "").strip().partition("\n")[0]
            return ModelRow(
                target=record.target,
                summary=summary,
                recipe=getattr(found, "recipe", "default"),
                extras=list(getattr(found, "extras", ())),
            )
        raise ContractError(
            f"The model {record.name!r} of {record.distribution} is a {type(found).__name__}; "
            "a callable, a mapping or a ModelRow is expected."
        )

    def recipe(self, name: str) -> RecipeRow:
        """The recipe of that name.

        Raises:
            UnknownName: with the nearest names.
        """
        try:
            return self.recipes[name]
        except KeyError:
            raise UnknownName(f"Unknown recipe {name!r}; {did_you_mean(name, self.recipes)}") from None

    def state(self, record: Record) -> tuple[str, str]:
        """``(state, error)``: ``unloaded``, ``ok`` or ``broken``."""
        key = record.kind, record.qualified
        if key in self._broken:
            return "broken", self._broken[key]
        return ("ok" if key in self._loaded else "unloaded"), ""

    def _kind(self, kind: str) -> dict[str, list[Record]]:
        try:
            return self._table[kind]
        except KeyError:
            raise UnknownName(f"Unknown kind {kind!r}; {did_you_mean(kind, KINDS)}") from None


def _owner(records: list[Record]) -> Record | None:
    """Who owns the bare name: a table's row before any plugin's, a plugin only when it is alone."""
    for record in records:
        if record.row is not None:
            return record
    return records[0] if len(records) == 1 else None


def _records_of(file: Path, *, builtin: bool, recipes: dict[str, RecipeRow]) -> Iterable[Record]:
    table = read_mapping(file)
    shown = "registry.yaml" if builtin else str(file)
    sections = {"parts", "models", "recipes"}
    for key in table:
        if key not in sections:
            raise BadInput(f"{shown}: unknown key {key!r}; {did_you_mean(key, sections)}")
    for name, value in _section(table, "recipes", shown).items():
        check_name(name, f"{shown}, recipes")
        recipes[name] = decode(value, RecipeRow, f"{shown}, recipe {name!r}")
    for name, value in _section(table, "models", shown).items():
        row = decode(value, ModelRow, f"{shown}, model {name!r}")
        yield _row_record("models", name, row, shown, builtin)
    for kind in _section(table, "parts", shown):
        if kind not in KINDS:
            raise BadInput(f"{shown}: unknown kind {kind!r} under 'parts'; {did_you_mean(kind, KINDS)}")
        for name, value in _section(table["parts"], kind, shown).items():
            yield _row_record(kind, name, decode(value, PartRow, f"{shown}, {kind} {name!r}"), shown, builtin)


def _section(table: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    section = table.get(key) or {}
    if not isinstance(section, dict):
        raise BadInput(f"{where}: {key!r} holds a {type(section).__name__}; a mapping of names is expected.")
    return section


def _row_record(kind: str, name: str, row: PartRow | ModelRow, shown: str, builtin: bool) -> Record:
    check_name(name, f"{shown}, {kind}")
    return Record(
        kind=kind,
        name=name,
        target=row.target or "composed",
        distribution=OURS if builtin else "user",
        version=str(row.version),
        origin="built-in" if builtin else shown,
        row=row,
    )


def check_name(name: str, where: str) -> str:
    """A registered name becomes a folder name and a CSV cell, so it is plain: letters, digits, ``_ - .``.

    Raises:
        BadInput: anything else, or longer than 80 characters.
    """
    plain = name.replace("_", "").replace("-", "").replace(".", "")
    if not (plain.isascii() and plain.isalnum() and len(name) <= 80 and name[0] not in ".-"):
        shown = name if len(name) <= 60 else name[:60] + "…"
        raise BadInput(f"{where}: {shown!r} is no name; use at most 80 letters, digits, '_', '-' and '.'.")
    return name


def _entry_point_records() -> Iterable[Record]:
    seen: set[str] = set()
    for distribution in importlib.metadata.distributions():
        try:
            # The name becomes a folder's, after the @ of names that collide.
            name = _plain_name(str(distribution.name or "unknown"))
            version = str(distribution.version or "")
            points = list(distribution.entry_points)
        except (ValueError, TypeError, AttributeError, LookupError, OSError):
            continue  # its metadata is damaged: no installer would know it either, and the zoo goes on
        if name in seen:
            continue  # shadowed by an earlier one on sys.path, as imports are
        seen.add(name)
        for point in points:
            kind = point.group.removeprefix("zoo.")
            if point.group.startswith("zoo.") and kind in KINDS:
                yield Record(
                    kind=kind,
                    name=_plain_name(point.name),
                    target=point.value,
                    distribution=name,
                    version=version,
                    origin=f"entry point {point.group}",
                )


def _plain_name(name: str) -> str:
    """An entry point's name made plain, should it not be: a stranger's odd name must not stop the zoo."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "_-.") else "_" for c in name)[:80]
    return kept.lstrip(".-") or "unnamed"


def _import(target: str) -> Any:
    """``package.module:Name.attribute`` → the object."""
    module_name, _, path = target.partition(":")
    found: Any = importlib.import_module(module_name.strip())
    for attribute in path.strip().split("."):
        if attribute:
            found = getattr(found, attribute)
    return found


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0].rstrip(".")


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
