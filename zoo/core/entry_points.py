"""The names that installed distributions register: entry points of the groups ``zoo.<kind>``."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable, Iterator

import msgspec

from zoo.core.errors import did_you_mean
from zoo.core.kinds import KINDS
from zoo.core.record import OURS, Record, plain_name

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


def entry_point_records() -> Iterator[Record]:
    """A record an entry point. Nothing is imported, and damaged metadata is passed over."""
    for distribution, version, point in _points():
        kind = point.group.removeprefix("zoo.")
        if point.group.startswith("zoo.") and kind in KINDS:
            yield Record(
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
    """The entry points of every distribution, with its plain name and its version."""
    seen: set[str] = set()
    for distribution in importlib.metadata.distributions():
        try:
            # The name becomes a folder's, after the @ of names that collide.
            name = plain_name(str(distribution.name or "unknown"))
            version = str(distribution.version or "")
            points: Iterable[importlib.metadata.EntryPoint] = list(distribution.entry_points)
        except (ValueError, TypeError, AttributeError, LookupError, OSError):
            continue  # its metadata is damaged: no installer would know it either, and the zoo goes on
        if name in seen:
            continue  # shadowed by an earlier one on sys.path, as imports are
        seen.add(name)
        for point in points:
            yield name, version, point
