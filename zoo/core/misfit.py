"""What msgspec says of a value that does not fit, with the values that would."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import inspect

from zoo.core.errors import did_you_mean

_PLACE = re.compile(r" - at `(?:key` in `)?\$([^`]*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[([^\]]*)\]")
_ENUM = re.compile(r"^Invalid enum value (.*?)(?: - at `|$)")


def misfit(error: msgspec.ValidationError, kind: Any) -> str:
    """The error on one line, beginning with a small letter and without a full stop.

    msgspec says ``Invalid enum value 'x'`` and leaves the reader to guess; here the allowed ones follow.

    Args:
        kind: the type that the value was converted to.
    """
    said = " ".join(str(error).split())  # it quotes keys as they are, line ends and all
    said = said[:1].lower() + said[1:]
    place = _PLACE.search(str(error))
    allowed = _allowed(inspect.type_info(kind), _STEP.findall(place.group(1)) if place else [])
    if not allowed:
        return said
    names = [str(value) for value in allowed]
    listed = f"known: {', '.join(names)}"
    wrong = _ENUM.match(str(error))
    nearest = did_you_mean(wrong.group(1).strip("'"), names) if wrong else ""
    return f"{said}; {nearest} ({listed})" if nearest.startswith("did you") else f"{said}; {listed}"


def _allowed(kind: inspect.Type, steps: list[tuple[str, str]]) -> list[Any]:
    """The values that the type at the end of the path allows; empty where the path is lost."""
    if isinstance(kind, inspect.Metadata):
        return _allowed(kind.type, steps)
    if isinstance(kind, inspect.UnionType):
        return [value for each in kind.types for value in _allowed(each, steps)]
    if not steps:
        if isinstance(kind, inspect.LiteralType):
            return list(kind.values)
        return [member.value for member in kind.cls] if isinstance(kind, inspect.EnumType) else []
    (field, index), rest = steps[0], steps[1:]
    if field and isinstance(kind, inspect.StructType | inspect.DataclassType | inspect.TypedDictType):
        return [value for each in kind.fields if each.encode_name == field for value in _allowed(each.type, rest)]
    if isinstance(kind, inspect.DictType):
        return _allowed(kind.value_type, rest)
    if isinstance(kind, inspect.TupleType) and index.isdigit() and int(index) < len(kind.item_types):
        return _allowed(kind.item_types[int(index)], rest)
    if isinstance(kind, inspect.ListType | inspect.VarTupleType | inspect.SetType | inspect.FrozenSetType):
        return _allowed(kind.item_type, rest)
    return []
