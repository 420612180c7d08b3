"""The names that installed distributions register: entry points of the groups ``zoo.<kind>``."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable

from zoo.core.kinds import KINDS
from zoo.core.record import Record, plain_name


def entry_point_records() -> Iterable[Record]:
    """A record an entry point. Nothing is imported, and damaged metadata is passed over."""
    seen: set[str] = set()
    for distribution in importlib.metadata.distributions():
        try:
            # The name becomes a folder's, after the @ of names that collide.
            name = plain_name(str(distribution.name or "unknown"))
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
                    name=plain_name(point.name),
                    target=point.value,
                    distribution=name,
                    version=version,
                    origin=f"entry point {point.group}",
                )
