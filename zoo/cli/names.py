"""What a name on the command line may mean: everything that ``zoo list`` shows. Torch-free."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from zoo.core.errors import AmbiguousName, UnknownName, did_you_mean
from zoo.core.kinds import KINDS
from zoo.core.registry import current
from zoo.core.registry_rows import suites_folder

LISTED = (*KINDS, "recipes", "weights", "suites")
"""What can be listed and shown: the kinds of parts, and what is made of their names."""

_PREFERRED = ("models", "recipes")
"""A bare name that is one of these means that, whatever else it may be."""

_SHOWN = 4
"""Of how many names an error tells."""


def known_names(kind: str, pattern: str = "*") -> list[str]:
    """The names of one of :data:`LISTED` that match the glob, sorted.

    Raises:
        UnknownName: no such kind.
    """
    if kind == "recipes":
        names: Iterable[str] = current().recipes
    elif kind == "weights":
        names = current().weights
    elif kind == "suites":
        names = (path.stem for path in suites_folder().glob("*.yaml"))
    elif kind in KINDS:
        return current().names(kind, pattern)
    else:
        raise UnknownName(f"Unknown kind {kind!r}; {did_you_mean(kind, LISTED)}")
    return sorted(name for name in names if fnmatch.fnmatchcase(name, pattern))


def meanings(name: str, kinds: Iterable[str] = KINDS) -> list[tuple[str, str]]:
    """Every ``(kind, name)`` that ``name`` may mean: bare, ``kind/name``, or ``kind/GLOB``.

    Args:
        kinds: where a bare name is looked for.

    Raises:
        UnknownName: none, with the nearest names.
        AmbiguousName: two distributions register it.
    """
    kind, slash, pattern = name.partition("/")
    if slash:
        if any(sign in pattern for sign in "*?["):
            found = [(kind, each) for each in known_names(kind, pattern)]
            if not found:
                raise UnknownName(f"Nothing matches {name!r}; {did_you_mean(pattern, known_names(kind))}")
            return found
        _look_up(kind, pattern)
        return [(kind, pattern)]
    found = []
    for each in kinds:
        try:
            _look_up(each, name)
        except UnknownName:
            continue
        found.append((each, name))
    if not found:
        known = (each for kind in LISTED for each in known_names(kind))
        raise UnknownName(f"Nothing is registered as {name!r}; {current().astray(name) or did_you_mean(name, known)}")
    return found


def the_meaning(name: str) -> tuple[str, str]:
    """The one ``(kind, name)`` of all that is listed; a bare name means the model or recipe before anything else.

    Raises:
        UnknownName, AmbiguousName: none, or several.
    """
    found = meanings(name, LISTED)
    preferred = [each for kind in _PREFERRED for each in found if each[0] == kind and "/" not in name]
    if len(found) == 1 or preferred:
        return (preferred or found)[0]
    first = " or ".join("/".join(each) for each in found[:_SHOWN])
    more = f" or {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    raise AmbiguousName(f"{name!r} may be {first}{more}; use one of these names.")


def _look_up(kind: str, name: str) -> None:
    """Raises UnknownName or AmbiguousName unless the name means one thing of that kind."""
    if kind in KINDS:
        current().entry(kind, name)
    elif kind == "recipes":
        current().recipe(name)
    elif name not in known_names(kind):
        singular = {"suites": "suite"}.get(kind, kind)
        raise UnknownName(f"Unknown {singular} {name!r}; {did_you_mean(name, known_names(kind))}")
