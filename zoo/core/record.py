"""One name of the registry's table, and where it comes from."""

from __future__ import annotations

import msgspec

from zoo.core.errors import BadInput
from zoo.core.spec import ModelRow, PartRow

OURS = "colorizer-zoo"
"""The distribution that the built-in rows belong to."""


USERS = "user"
"""The distribution that rows of a user's own files are said to belong to."""
BUILT_IN = "built-in"
COMPOSED = "composed"
"""The target of a model that is made of parts."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
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
