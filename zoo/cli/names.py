"""What a name on the command line may mean. Torch-free."""

from __future__ import annotations

from zoo.core.errors import AmbiguousName, UnknownName, did_you_mean
from zoo.core.kinds import KINDS
from zoo.core.registry import current

_SHOWN = 4
"""Of how many names an error tells."""


def meanings(name: str) -> list[tuple[str, str]]:
    """Every ``(kind, name)`` that ``name`` may mean: bare, ``kind/name``, or ``kind/GLOB``.

    Raises:
        UnknownName: none, with the nearest names.
        AmbiguousName: two distributions register it.
    """
    registry = current()
    kind, slash, pattern = name.partition("/")
    if slash:
        if any(sign in pattern for sign in "*?["):
            found = [(kind, each) for each in registry.names(kind, pattern)]
            if not found:
                raise UnknownName(f"Nothing matches {name!r}; {did_you_mean(pattern, registry.names(kind))}")
            return found
        registry.record(kind, pattern)
        return [(kind, pattern)]
    found = []
    for each in KINDS:
        try:
            registry.record(each, name)
        except UnknownName:
            continue
        found.append((each, name))
    if not found:
        known = [*(each for kind in KINDS for each in registry.names(kind)), *registry.recipes]
        raise UnknownName(f"Nothing is registered as {name!r}; {did_you_mean(name, known)}")
    return found


def the_meaning(name: str) -> tuple[str, str]:
    """The one ``(kind, name)`` that is meant: the model, where a bare name is one among others.

    Raises:
        UnknownName, AmbiguousName: none, or several.
    """
    found = meanings(name)
    if len(found) == 1 or ("/" not in name and found[0][0] == "models"):
        return found[0]
    first = " or ".join("/".join(each) for each in found[:_SHOWN])
    more = f" or {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    raise AmbiguousName(f"{name!r} may be {first}{more}; use one of these names.")
