"""The rows of the registry's table, and where they come from: registry.yaml, users' files of the same form, and the
entry points ``zoo.<kind>`` of installed distributions. Torch-free.
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from zoo.core.errors import BadInput, did_you_mean
from zoo.core.kinds import KIND_OF_ROLE, KINDS
from zoo.core.spec import ModelRow, PartRow, RecipeRow, WeightsRow, part_ref
from zoo.core.strict_yaml import decode, read_mapping

OURS = "colorizer-zoo"
"""The distribution that the built-in rows belong to."""


USERS = "user"
"""The distribution that rows of a user's own files are said to belong to."""
BUILT_IN = "built-in"
COMPOSED = "composed"
"""The target of a model that is made of parts."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A registered name.

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
    def builtin(self) -> bool:
        """Whether it is a row of our own table."""
        return self.origin == BUILT_IN


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


def plain_name(name: str) -> str:
    """A name made plain, should it not be: a stranger's odd entry point must not stop the zoo."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "_-.") else "_" for c in name)[:80]
    return kept.lstrip(".-") or "unnamed"


_PACKAGE = Path(__file__).resolve().parent.parent


def registry_file() -> Path:
    """The built-in table of parts, models and recipes."""
    return _first(_PACKAGE / "registry.yaml", _PACKAGE.parent / "registry.yaml")


def suites_folder() -> Path:
    """The folder of the built-in suites, one YAML file each."""
    return _first(_PACKAGE / "suites", _PACKAGE.parent / "benchmarks" / "suites")


def _first(*candidates: Path) -> Path:
    for path in candidates:
        if path.exists():
            return path
    raise FileNotFoundError(f"The installation is damaged: {candidates[0]} is missing; install the package again.")


SECTIONS = ("parts", "models", "recipes", "weights")


class RegistryFile(NamedTuple):
    """What one file holds: its rows, its recipes by name, its published weights by name."""

    entries: list[Entry]
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


def _rows(table: dict[str, Any], shown: str, builtin: bool) -> Iterable[Entry]:
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
        yield _entry("models", name, own, shown, builtin)
        if network is not None:
            yield _entry("networks", name, network, shown, builtin)
    for kind in _section(table, "parts", shown):
        if kind not in KINDS:
            raise BadInput(f"{shown}: unknown kind {kind!r} under 'parts'; {did_you_mean(kind, KINDS)}")
        for name, value in _section(table["parts"], kind, shown).items():
            yield _entry(kind, name, decode(value, PartRow, f"{shown}, {kind} {name!r}"), shown, builtin)


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
    # The words are about one recipe and are not inherited.
    inherited = {
        key: item for key, item in msgspec.to_builtins(above[base]).items() if key not in ("summary", "source")
    }
    return decode({**inherited, **given}, RecipeRow, where)


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


def _entry(kind: str, name: str, row: PartRow | ModelRow, shown: str, builtin: bool) -> Entry:
    check_name(name, f"{shown}, {kind}")
    return Entry(
        kind=kind,
        name=name,
        target=row.target or COMPOSED,
        distribution=OURS if builtin else USERS,
        version=str(row.version),
        origin=BUILT_IN if builtin else shown,
        row=row,
    )


_OURS_ALMOST = re.compile(r"(colorizer[-_. ]?)?zoo[-_.:/ ]+(.+)|zoo", re.IGNORECASE)
"""Groups that can only have been meant for us: ``zoo.model``, ``zoo_models``, ``colorizer-zoo.models``, ``zoo``."""


class Misplaced(msgspec.Struct, frozen=True):
    """An entry point of a group that nobody reads, though it was meant for the zoo."""

    group: str
    name: str
    distribution: str

    def __str__(self) -> str:
        match = _OURS_ALMOST.fullmatch(self.group)
        near = did_you_mean(((match and match.group(2)) or "").lower(), KINDS)
        mend = re.sub(r"'(\w+)'", r"'zoo.\1'", near)
        if not near.startswith("did you mean"):
            mend = f"the groups are zoo.{', zoo.'.join(KINDS)}."
        where = f"the entry-point group {self.group!r}, which is not read"
        return f"{self.distribution} registers {self.name!r} in {where}; {mend}"


def of_entry_points() -> Iterator[Entry]:
    """One an entry point. Nothing is imported, and damaged metadata is passed over."""
    for distribution, version, point in _points():
        kind = point.group.removeprefix("zoo.")
        if point.group.startswith("zoo.") and kind in KINDS:
            yield Entry(
                kind=kind,
                name=plain_name(point.name),
                target=point.value,
                distribution=distribution,
                version=version,
                origin=f"entry point {point.group}",
            )


def misplaced_entry_points() -> list[Misplaced]:
    """Those that would be read under another group's name."""
    return [
        Misplaced(point.group, point.name, distribution)
        for distribution, _, point in _points()
        if _OURS_ALMOST.fullmatch(point.group)
        and point.group.removeprefix("zoo.") not in KINDS
        and distribution != OURS
    ]


def _points() -> Iterator[tuple[str, str, importlib.metadata.EntryPoint]]:
    """The entry points that are meant for us, with their distribution's plain name and its version.

    Names and versions are read of few distributions: their files are long.
    """
    seen: set[str] = set()
    for distribution in importlib.metadata.distributions():
        try:
            if not any(_OURS_ALMOST.fullmatch(point.group) for point in distribution.entry_points):
                continue
            # One earlier on sys.path shadows those of its name, as imports are.
            namesakes = importlib.metadata.distributions(name=distribution.name) if distribution.name else ()
            first = next(iter(namesakes), distribution)
            # The name becomes a folder's, after the @ of names that collide.
            name, version = plain_name(str(first.name or "unknown")), str(first.version or "")
            points: Iterable[importlib.metadata.EntryPoint] = list(first.entry_points)
        except (ValueError, TypeError, AttributeError, LookupError, OSError):
            continue  # its metadata is damaged: no installer would know it either, and the zoo goes on
        if name in seen:
            continue
        seen.add(name)
        for point in points:
            yield name, version, point
