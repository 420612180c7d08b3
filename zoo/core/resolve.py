"""From a model's name to its spec: its row, with its options spread over its parts.

Options reach a part in this order, the last wins: the part row's presets, the model row's
``options`` (to every part that names them), what the model row says for that part, a suite's
defaults (where a part names them), and the caller's own (``width=16`` to every part that names it,
``decoder.skip=sum`` to that one). An option that nobody names is an error. Those of
:class:`~zoo.core.spec.ColorizerOptions` are options of every model: the colorizer around the parts takes them.
``propagator=NAME`` puts a network upon another one, and ``propagator=none`` upon none, as its paper has it; a suite's
goes under what it trains and has none of its own. A baseline stays as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from zoo.core.assemble import assemble
from zoo.core.errors import BadInput, did_you_mean
from zoo.core.identity import model_identity
from zoo.core.kinds import KIND_OF_ROLE, ROLES, effective_options, option_names, takes_any_option, typed_options
from zoo.core.registry import current
from zoo.core.spec import (
    UNTRAINED,
    ColorizerOptions,
    ModelRow,
    ModelSpec,
    PartRef,
    canonical_json,
    misfit_of_roles,
    part_ref,
)
from zoo.core.strict_yaml import misfit

if TYPE_CHECKING:
    from zoo.core.colorizer import Colorizer

COLORIZER_OPTIONS = tuple(field.name for field in msgspec.structs.fields(ColorizerOptions))
PROPAGATOR = "propagator"
"""The role that is an option of every model with a network."""


def resolve(
    name: str, overrides: Mapping[str, Any] | None = None, *, defaults: Mapping[str, Any] | None = None
) -> ModelSpec:
    """A model's row with its options spread over its parts. Imports the parts' modules.

    Args:
        name: a registered model.
        overrides: ``{"width": 16}`` for every part that names it, ``{"decoder.skip": "sum"}`` for one.
        defaults: like ``overrides``, but weaker, and one that no part takes is passed over.

    Raises:
        UnknownName, AmbiguousName, BrokenPlugin: the model or one of its parts.
        BadInput: an option that no part names or of the wrong type, a size of the paper's that no part has, or a row
            that is neither composed nor a network.
    """
    row = current().model_row(name)
    where = f"model {name!r}"
    asked = (overrides or {}).get(PROPAGATOR, _usual_propagator(row, defaults or {}))
    parts, factories = _parts_of(name, row, asked)
    sources = (row.options, defaults or {}, overrides or {})
    colorizer = _colorizer_options(parts, factories, sources, where)
    elsewhere = (*COLORIZER_OPTIONS, PROPAGATOR)
    presets, weaker, stronger = [{k: v for k, v in source.items() if k not in elsewhere} for source in sources]
    options = _spread(parts, factories, presets, weaker, stronger, where)
    for option in row.paper:
        if not _is_taken(option, factories):
            known = sorted({each for factory in factories.values() for each in option_names(factory)})
            raise BadInput(f"{where}, paper: none of its parts has the size {option!r}; {did_you_mean(option, known)}")
    built = {
        role: PartRef(ref.name, typed_options(factories[role], options[role], f"{where}, {role}"))
        for role, ref in parts.items()
    }
    return ModelSpec(
        name=name,
        parts=built,
        made_of=model_identity(name, built, factories),
        version=row.version,
        extras=tuple(row.extras),
        colorizer=colorizer,
        recipe=row.recipe,
        baseline=row.baseline,
        ranked=row.ranked,
        note=row.note,
        effective={role: effective_options(factories[role], ref.options) for role, ref in built.items()},
        defaults={
            key: value
            for key, value in (defaults or {}).items()
            if (value == asked if key == PROPAGATOR else _is_taken(key, factories))
        },
        paper=row.paper,
    )


def _takers(option: str, factories: Mapping[str, Callable[..., Any]]) -> list[str]:
    """The roles of the parts that take an option: those that name it, or the one before its point."""
    role, dot, bare = option.partition(".")
    if not dot:
        return [role for role, factory in factories.items() if option in option_names(factory)]
    if role not in factories:
        return []
    return [role] if bare in option_names(factories[role]) or takes_any_option(factories[role]) else []


def _is_taken(option: str, factories: Mapping[str, Callable[..., Any]]) -> bool:
    return option in COLORIZER_OPTIONS or bool(_takers(option, factories))


def _colorizer_options(
    parts: Mapping[str, PartRef], factories: Mapping[str, Any], sources: Sequence[Mapping[str, Any]], where: str
) -> ColorizerOptions:
    """What was asked for last.

    The gain is else what a whole network says of itself; composed ones read with ours. What answers with a distribution
    of whole colours says that it is no ``residual`` upon what was spread: it only reads that.
    """
    from zoo.core.contracts import HINT_GAIN

    gain = getattr(factories["network"], "hint_gain", 1.0) if "network" in parts else HINT_GAIN
    asked: dict[str, Any] = {"hint_gain": gain if len(parts) > ("propagator" in parts) else 1.0}
    if PROPAGATOR in parts:
        asked["residual"] = getattr(factories.get("head") or factories.get("network"), "residual", True)
    for options in sources:
        asked |= {key: value for key, value in options.items() if key in COLORIZER_OPTIONS}
    gain = asked["hint_gain"]
    if isinstance(gain, bool) or not isinstance(gain, (int, float)) or not 0 < gain < math.inf:
        raise BadInput(f"{where}: hint_gain is {gain!r}; give a number above 0, such as 1.")
    try:
        found = msgspec.convert(asked, ColorizerOptions)
    except msgspec.ValidationError as error:
        raise BadInput(f"{where}: {misfit(error, ColorizerOptions)}.") from None
    if found.reads == "both" and "encoder" not in parts:
        raise BadInput(f"{where}: reads=both needs an encoder; a whole network reads 4 channels, so leave it out.")
    if found.reads == "both" and PROPAGATOR not in parts:
        raise BadInput(f"{where}: reads=both is of hints as they are and as they were spread; set a propagator too.")
    if PROPAGATOR not in parts or not _has_network(parts) or not found.residual:
        return msgspec.structs.replace(found, anchor="none")
    return found


def takes_option(
    name: str,
    option: str,
    overrides: Mapping[str, Any] = MappingProxyType({}),
    defaults: Mapping[str, Any] = MappingProxyType({}),
) -> bool:
    """Whether any part of the model names the option (bare, or dotted for one part).

    Args:
        overrides, defaults: as for :func:`resolve`, of which one may say what it stands upon.
    """
    row = current().model_row(name)
    parts, factories = _parts_of(name, row)
    if row.baseline and option in COLORIZER_OPTIONS:  # what others are compared with stays as it is
        return False
    if option == PROPAGATOR:
        return _goes_upon_another(row, parts)
    asked = overrides.get(PROPAGATOR, _usual_propagator(row, defaults))
    if asked is not None and _goes_upon_another(row, parts):
        _, factories = _parts_of(name, row, asked)
    return _is_taken(option, factories)


def _parts_of(
    name: str, row: ModelRow, propagator: Any = None
) -> tuple[dict[str, PartRef], dict[str, Callable[..., Any]]]:
    """A row's parts and their factories, by role; upon the ``propagator`` that is asked for, if one is."""
    registry = current()
    where = f"model {name!r}"
    parts = {r: part_ref(getattr(row, r), f"{where}, {r}") for r in ROLES if getattr(row, r) is not None}
    if propagator is not None:
        if not _has_network(parts):
            raise BadInput(f"{where} is no network to put upon a propagator; name the model {propagator!r} instead.")
        if row.baseline:
            raise BadInput(f"{where} is a baseline, which stays as it is; put another model upon a propagator.")
        parts = {PROPAGATOR: part_ref(propagator, f"{where}, {PROPAGATOR}"), **_without(parts, PROPAGATOR)}
    if wrong := misfit_of_roles(parts):
        raise BadInput(f"{where}: {wrong}.")
    factories = {r: registry.load(KIND_OF_ROLE[r], ref.name) for r, ref in parts.items()}
    if propagator == "none" and not hasattr(factories.get("head") or factories.get("network"), "refine"):
        # Nothing is spread: a network that only reads does so as its paper says; one that refines starts there.
        parts, factories = _without(parts, PROPAGATOR), _without(factories, PROPAGATOR)
    return parts, factories


def _usual_propagator(row: ModelRow, defaults: Mapping[str, Any]) -> Any:
    """The suite's, for a network that is trained and has none of its own."""
    trained = row.recipe != UNTRAINED and (row.network or row.encoder or row.target)
    return defaults.get(PROPAGATOR) if trained and row.propagator is None else None


def _goes_upon_another(row: ModelRow, parts: Mapping[str, PartRef]) -> bool:
    return _has_network(parts) and not row.baseline


def _has_network(parts: Mapping[str, PartRef]) -> bool:
    return bool(set(parts) - {PROPAGATOR})


def _without(mapping: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name != key}


def changed_since(spec: ModelSpec) -> list[str]:
    """The roles of a recorded model whose parts are no longer what they were: another version, class or source.

    Empty for records that do not say what their parts were.

    Raises:
        ZooError: a part is not registered any more.
    """
    if not spec.made_of:
        return []
    factories = {role: current().load(KIND_OF_ROLE[role], ref.name) for role, ref in spec.parts.items()}
    now = model_identity(spec.name, spec.parts, factories)
    return [role for role in spec.parts if canonical_json(now[role]) != canonical_json(spec.made_of.get(role))]


def build(name: str, **options: Any) -> Colorizer:
    """A registered colorizer by name: ``build("residual_unet", width=16)``.

    A dotted option goes to one part: ``build("unet", **{"decoder.skip": "sum"})``.

    Raises:
        ZooError: as :func:`resolve` and :func:`assemble`.
    """
    return assemble(resolve(name, options))


def _spread(
    parts: Mapping[str, PartRef],
    factories: Mapping[str, Callable[..., Any]],
    row_options: Mapping[str, Any],
    defaults: Mapping[str, Any],
    overrides: Mapping[str, Any],
    where: str,
) -> dict[str, dict[str, Any]]:
    named = {role: option_names(factory) for role, factory in factories.items()}
    known = sorted({n for names in named.values() for n in names} | set(row_options) | set(COLORIZER_OPTIONS))
    resolved: dict[str, dict[str, Any]] = {role: {} for role in parts}

    def say(key: str, value: Any, *, required: bool = True) -> None:
        role, dot, option = key.partition(".")
        takers = _takers(key, factories)
        if not takers and required:
            if not dot:
                raise BadInput(f"{where} has no option {key!r}; {did_you_mean(key, known)}")
            if role not in parts:
                raise BadInput(f"{where} has no part {role!r} (option {key!r}); {did_you_mean(role, parts)}")
            raise BadInput(f"{where}: its {role} has no option {option!r}; {did_you_mean(option, named[role])}")
        for taker in takers:
            resolved[taker][option if dot else key] = value

    for key, value in row_options.items():
        say(key, value)
    for role, ref in parts.items():
        resolved[role].update(ref.options)
    for key, value in defaults.items():
        say(key, value, required=False)
    for key, value in overrides.items():
        say(key, value)
    return resolved
