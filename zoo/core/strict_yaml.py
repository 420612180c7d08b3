"""YAML read strictly: the safe loader, no duplicate key, no unknown key, and errors that name the place.

Not ``msgspec.yaml``: it loads by PyYAML as it comes, where the last of two equal keys wins and aliases expand, and its
errors know no line. What msgspec says of a value that does not fit is told with the values that would.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml
from msgspec import inspect

from zoo.core.errors import BadInput, did_you_mean

T = TypeVar("T")
_LIMIT = 4 * 2**20

_DEEPEST = 50
"""Levels of nesting that are read; ours have six. libyaml composes without a limit, until the stack ends."""

# What PyYAML's constructors raise on a tag that its value does not fit, such as ``!!bool maybe``.
_MISFITS = (RecursionError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The safe loader, libyaml's where PyYAML has it, and stricter: ``1e-3`` is a number, keys are text and unique."""


class _Refused(yaml.YAMLError):
    """What YAML allows and we do not: the sentence, and the mark of its place."""

    def __init__(self, sentence: str, mark: Any):
        super().__init__(sentence)
        self.sentence = sentence
        self.line = mark.line + 1


_FLOAT = re.compile(r"^[-+]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][-+]?\d+)?$|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$")


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise _Refused(f"the key {key!r} is not text; put it in quotes", key_node.start_mark)
        if key in seen:
            raise _Refused(f"the key {key!r} is given twice; remove one", key_node.start_mark)
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


def _text(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
    value = str(loader.construct_scalar(node))
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which an escape can write
        raise _Refused(f"{value!r} is not text; write it in UTF-8", node.start_mark) from None
    return value


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:str", _text)


def _scan(text: str) -> None:
    """Refuse, before anything is composed, what could take the memory or the stack: aliases and deep nesting."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):  # a few bytes of them expand to gigabytes; nothing here needs them
            raise _Refused("YAML aliases are not used here; write the value out", event.start_mark)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                raise _Refused(f"more than {_DEEPEST} levels lie in one another; write it flatter", event.start_mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def parse(text: str, where: str) -> Any:
    """The value a YAML text holds; ``where`` names it in errors.

    Raises:
        BadInput: not YAML, a key given twice or that is not text, an alias, or nesting without end.
    """
    try:
        _scan(text)
        return yaml.load(text, Loader=_Loader)
    except _Refused as error:
        raise BadInput(f"{where}, line {error.line}: {error.sentence}.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise BadInput(f"{where}{line} is not valid YAML: {problem}.") from None
    except _MISFITS as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadInput(f"{where} is not valid YAML: {reason}.") from None


def read_mapping(path: Path) -> dict[str, Any]:
    """The mapping a YAML file holds (an empty file is an empty mapping).

    Raises:
        BadInput: the file cannot be read, is not YAML, or holds something else than a mapping.
    """
    try:
        if path.stat().st_size > _LIMIT:
            raise BadInput(f"{path} is larger than 4 MiB; it is not one of our YAML files.")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}.") from None
    except (UnicodeDecodeError, ValueError):
        raise BadInput(f"{path} is not a text file in UTF-8.") from None
    value = parse(text, str(path))
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadInput(f"{path} holds a {type(value).__name__}; a mapping (key: value) is expected.")
    return value


def decode(value: Any, kind: type[T], where: str) -> T:
    """``value`` (plain YAML data) as the msgspec struct ``kind``.

    Raises:
        BadInput: an unknown key (with the nearest one), a missing key, or a wrong type.
    """
    if not isinstance(value, dict):
        raise BadInput(f"{where}: a mapping is expected, not {type(value).__name__}.")
    known: tuple[str, ...] = kind.__struct_encode_fields__  # type: ignore[attr-defined]
    for key in value:
        if key not in known:
            raise BadInput(f"{where}: unknown key {key!r}; {did_you_mean(str(key), known)}")
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise BadInput(f"{where}: {misfit(error, kind)}.") from None


_PATH = re.compile(r" - at `(?:key` in `)?\$([^`]*)`$")
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
    path = _PATH.search(str(error))
    allowed = _allowed(inspect.type_info(kind), _STEP.findall(path.group(1)) if path else [])
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
