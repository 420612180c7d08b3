"""YAML read strictly: the safe loader, no duplicate key, no unknown key, and errors that name the place."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from zoo.core.errors import BadInput, did_you_mean
from zoo.core.misfit import misfit

T = TypeVar("T")
_LIMIT = 4 * 2**20

# What PyYAML's constructors raise on a tag that its value does not fit, such as ``!!bool maybe``.
_MISFITS = (RecursionError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError)


class _Loader(yaml.SafeLoader):
    """The safe loader, stricter: ``1e-3`` is a number, a key given twice or an alias is an error."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            # Aliases let a few bytes expand to gigabytes; nothing here needs them.
            line = self.peek_event().start_mark.line + 1
            raise BadInput(f"{self.name}, line {line}: YAML aliases are not used here; write the value out.")
        return super().compose_node(parent, index)


class _QuickLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The same values from libyaml, where PyYAML has it: ten times as quick, which a command line feels.

    It cannot refuse aliases, and composes nested nodes without a limit; so it reads our own files only.
    """


_FLOAT = re.compile(r"^[-+]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][-+]?\d+)?$|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$")


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            mark = key_node.start_mark
            raise BadInput(f"{mark.name}, line {mark.line + 1}: the key {key!r} is not text; put it in quotes.")
        if key in seen:
            mark = key_node.start_mark
            raise BadInput(f"{mark.name}, line {mark.line + 1}: the key {key!r} is given twice; remove one.")
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


def _text(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
    value = str(loader.construct_scalar(node))
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which an escape can write
        mark = node.start_mark
        raise BadInput(f"{mark.name}, line {mark.line + 1}: {value!r} is no text; write it in UTF-8.") from None
    return value


for _kind in (_Loader, _QuickLoader):
    _kind.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))
    _kind.add_constructor("tag:yaml.org,2002:map", _mapping)
    _kind.add_constructor("tag:yaml.org,2002:str", _text)


def parse(text: str, where: str, *, ours: bool = False) -> Any:
    """The value a YAML text holds; ``where`` names it in errors.

    Args:
        ours: the text travels with the package.

    Raises:
        BadInput: not YAML, or a key given twice.
    """
    if ours:
        with contextlib.suppress(yaml.YAMLError, BadInput):  # the strict loader says what is wrong, and where
            return yaml.load(text, Loader=_QuickLoader)
    try:
        loader = _Loader(text)  # looks for control characters already
        loader.name = where
        return loader.get_single_data()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise BadInput(f"{where}{line} is not valid YAML: {problem}.") from None
    except _MISFITS as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadInput(f"{where} is not valid YAML: {reason}.") from None


def read_mapping(path: Path, *, ours: bool = False) -> dict[str, Any]:
    """The mapping a YAML file holds (an empty file is an empty mapping).

    Args:
        ours: the file travels with the package.

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
    value = parse(text, str(path), ours=ours)
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
    known = [field.encode_name for field in msgspec.structs.fields(kind)]  # type: ignore[arg-type]
    for key in value:
        if key not in known:
            raise BadInput(f"{where}: unknown key {key!r}; {did_you_mean(str(key), known)}")
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise BadInput(f"{where}: {misfit(error, kind)}.") from None
