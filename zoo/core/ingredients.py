"""What a part's result depends on beside code and options: files that it reads, packages whose weights it takes.

A part may have a static method ``ingredients(**options) -> Mapping[str, str]``; what it returns enters the identity of
every run that the part is in (:mod:`zoo.core.identity`). It is called without the part being built.
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

from zoo.core.errors import BadInput
from zoo.core.files import sha256_of


def of_file(path: str | Path) -> str:
    """The first 16 hex digits of the SHA-256 of a file's content.

    Raises:
        BadInput: it cannot be read.
    """
    try:
        return sha256_of(Path(path))[:16]
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}.") from None


def of_distribution(name: str) -> str:
    """The version of an installed distribution; ``not installed`` where it is missing."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
