"""Where things that can be computed again are kept, and how they get there in one piece."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import platformdirs

from zoo.core.errors import BadInput

VARIABLE = "ZOO_CACHE"


def cache_folder(*parts: str) -> Path:
    """``$ZOO_CACHE``, else the user's cache folder for colorizer-zoo; ``parts`` below it, created.

    Raises:
        BadInput: the folder cannot be made.
    """
    root = Path(os.environ.get(VARIABLE) or platformdirs.user_cache_dir("colorizer-zoo"))
    folder = root.expanduser().joinpath(*parts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    return folder


def unwritable(path: Path, error: OSError) -> BadInput:
    """The error to raise when something under the cache folder cannot be written."""
    reason = error.strerror or type(error).__name__
    return BadInput(f"The cache at {path} cannot be written ({reason}); set {VARIABLE} to another folder.")


def write_atomically(path: Path, data: bytes) -> None:
    """``data`` at ``path``, whole or not at all, however many processes write it.

    Raises:
        BadInput: the cache folder is read-only or full.
    """
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise unwritable(path, error) from error
