"""What decides what a part computes, as plain data: the one function that every key of a run is made by.

A part is its row (name, version, class, presets), its options, the parts that its options name, what else it says that
it depends on, and, where it is not ours, its source. Words about it do not decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from zoo.core.errors import BadInput, ZooError
from zoo.core.kinds import (
    KIND_OF_ROLE,
    KINDS,
    Factory,
    check_option_names,
    named_kind,
    option_annotations,
    option_names,
    typed_options,
)
from zoo.core.registry import current
from zoo.core.registry_rows import COMPOSED, USERS, Entry
from zoo.core.spec import PartRef, PartRow, SourceSeen, fingerprint, part_ref

DEEPEST = 16
"""So many parts may be nested; a part whose default names itself would have no end."""


def part_identity(kind: str, ref: str | Mapping[str, Any] | PartRef, where: str = "", *, depth: int = 0) -> Any:
    """The identity of a registered part built with its options. Its module is imported, the part is not built.

    Args:
        kind: plural, such as ``losses``.
        ref: its name, or ``{name: ..., **options}``.
        where: what names it, for errors.

    Raises:
        UnknownName, AmbiguousName, BrokenPlugin: it, or a part that its options name, is not there.
        BadInput: an option that it does not have, or of the wrong type.
    """
    if depth > DEEPEST:
        raise BadInput(f"{where}: parts are nested more than {DEEPEST} deep; a part names itself.")
    registry = current()
    part = part_ref(dict(ref) if isinstance(ref, Mapping) else ref, where or kind)
    try:
        entry = registry.entry(kind, part.name)
        factory = registry.load(kind, part.name)
        said = f"{KINDS[kind].singular} {part.name!r}"
        check_option_names(factory, part.options, said)
        presets = entry.row.options if isinstance(entry.row, PartRow) else {}
        options = typed_options(factory, {**presets, **part.options}, said)
    except ZooError as error:
        raise type(error)(f"{where}: {error}" if where else str(error)) from error
    return {**_row(entry), **_built(factory, options, where or said, depth)}


def short_identity(identity: Mapping[str, Any]) -> str:
    """``points:1``, an identity in a word, its options left out; more than name and version comes as a digest."""
    rest = {key: value for key, value in identity.items() if key not in ("name", "version", "target", "options")}
    word = f"{identity['name']}:{identity['version']}"
    return f"{word} {fingerprint([identity['target'], rest], 8)}" if rest else word


def model_identity(name: str, parts: Mapping[str, PartRef], factories: Mapping[str, Factory]) -> dict[str, Any]:
    """The identity of each part of a resolved model, by role.

    Args:
        parts: by role, with all their options.
        factories: what each role's part is built by.

    Raises:
        ZooError: as :func:`part_identity`, of a part that an option names.
    """
    found: dict[str, Any] = {}
    for role, ref in parts.items():
        entry = current().entry(KIND_OF_ROLE[role], ref.name)
        presets = entry.row.options if isinstance(entry.row, PartRow) else {}
        options = {**presets, **ref.options}
        found[role] = {**_row(entry), **_built(factories[role], options, f"model {name!r}, {role}", 0)}
    return found


def named_parts(factory: Factory, options: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """``(option, kind, reference)`` of every part that a part's options name, defaults included.

    An option says so in its annotation (:class:`zoo.core.kinds.Names`). Of a part without such annotations an option
    that is spelt like a kind (``block``, ``finest_skip``) and holds a registered name counts too.
    """
    kinds = {option: named_kind(annotation) for option, annotation in option_annotations(factory).items()}
    annotated = any(kinds.values())
    spelt = {kind.plural[:-1] if kind.plural != "losses" else "loss": kind.plural for kind in KINDS.values()}
    for option, parameter in option_names(factory).items():
        value = options.get(option, parameter.default)
        kind = kinds.get(option)
        if kind is None and not annotated:
            kind = spelt.get(option.rpartition("_")[2])
            if kind is None or not _is_registered(kind, value):
                continue
        if kind is None or value is None or value is parameter.empty:
            continue
        several = isinstance(value, Sequence) and not isinstance(value, str)
        for each in value if several else [value]:
            yield option, kind, each


def sources_in(identity: Any) -> list[SourceSeen]:
    """Every stranger's class in an identity, each once."""
    found: dict[SourceSeen, None] = {}
    if isinstance(identity, Mapping):
        if isinstance(identity.get("source"), str) and "target" in identity:
            owner = identity["distribution"]
            found[SourceSeen(identity["target"], "" if owner == USERS else owner, identity["source"])] = None
        for value in identity.values():
            found |= dict.fromkeys(sources_in(value))
    elif isinstance(identity, (list, tuple)):
        for value in identity:
            found |= dict.fromkeys(sources_in(value))
    return list(found)


def _row(entry: Entry) -> dict[str, Any]:
    """Name, version and class of a row; for strangers' also whose it is, and their source."""
    version = entry.version if entry.row is None else str(entry.row.version)
    own = {"name": entry.name, "version": version, "target": entry.target}
    if entry.builtin:
        return own
    found: dict[str, Any] = {**own, "distribution": entry.distribution}
    target = entry.target.partition(":")[0]
    if target.partition(".")[0] == "zoo":
        found["version_of_class"] = current().version_of(entry.target)
        return found
    if entry.target == COMPOSED:
        return found
    from zoo.core.sources import source_of  # strangers' parts alone are read

    source = source_of(entry.target, entry.distribution if entry.row is None else "")
    found["source"] = source.digest
    made = [part_identity(kind, name) for kind, name in source.makes if _is_registered(kind, name)]
    return {**found, "makes": made} if made else found


def _built(factory: Factory, options: Mapping[str, Any], where: str, depth: int) -> dict[str, Any]:
    """Options, the parts that they name, and what the part says of itself."""
    nested: dict[str, list[Any]] = {}
    for option, kind, ref in named_parts(factory, options):
        nested.setdefault(option, []).append(part_identity(kind, ref, f"{where}, {option}", depth=depth + 1))
    found: dict[str, Any] = {"options": dict(options)}
    extras = [name for name in getattr(factory, "extras", ()) if _is_registered("extras", name)]
    if extras:
        found["extras"] = [part_identity("extras", name, where, depth=depth + 1) for name in extras]
    if nested:
        found["parts"] = nested
    version = getattr(factory, "version", None)
    if isinstance(version, (str, int)):
        found["says_version"] = version
    ingredients: Callable[..., Mapping[str, str]] | None = getattr(factory, "ingredients", None)
    if ingredients is not None:
        defaults = {
            name: parameter.default
            for name, parameter in option_names(factory).items()
            if parameter.default is not parameter.empty
        }
        found["ingredients"] = dict(ingredients(**{**defaults, **options}))
    return found


def _is_registered(kind: str, value: Any) -> bool:
    name = value.get("name") if isinstance(value, Mapping) else value
    if kind not in KINDS or not isinstance(name, str):
        return False
    try:
        current().entry(kind, name)
    except ZooError:
        return False
    return True
