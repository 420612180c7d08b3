"""Where things that can be computed again are kept."""

from __future__ import annotations

import getpass
import os
import tempfile
from pathlib import Path

import platformdirs

from zoo.core.errors import BadInput
from zoo.core.files import make_folder

VARIABLE = "ZOO_CACHE"
MEND = f"set {VARIABLE} to another folder"
"""The end of the sentence for a cache that cannot be written."""

_remarks: dict[str, None] = {}


def root() -> Path:
    """``$ZOO_CACHE``, else the user's cache folder for colorizer-zoo. It may not be there, or not be ours."""
    return Path(os.environ.get(VARIABLE) or platformdirs.user_cache_dir("colorizer-zoo")).expanduser()


def cache_folder(*parts: str) -> Path:
    """The folder ``parts`` of the cache, created, to write into.

    Where another user's cache may not be written, a folder of one's own in the system's temporary folder takes
    its place, and :func:`remarks` says so.

    Raises:
        BadInput: the folder cannot be made for another reason: a file is in its place, or the disk is full; or that
            folder of one's own is somebody else's.
    """
    folder = root().joinpath(*parts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            return folder
    except PermissionError:
        pass
    except OSError:
        return make_folder(folder, MEND)  # says what is wrong
    own = Path(tempfile.gettempdir()) / f"colorizer-zoo-{user()}"
    make_folder(own, MEND)
    if hasattr(os, "getuid") and own.stat().st_uid != os.getuid():  # anybody can make a folder of that name there
        raise BadInput(f"The cache at {root()} cannot be used, and {own} belongs to another user; {MEND}.")
    remark(f"The cache at {root()} cannot be used (no permission); what is missing is built anew in {own}.")
    return make_folder(own.joinpath(*parts), MEND)


def user() -> str:
    """The user's name, or another word that can be part of a file's name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "other"


def remark(sentence: str) -> None:
    """Something that a person should know about the cache, once."""
    _remarks[sentence] = None


def remarks() -> tuple[str, ...]:
    """What was remarked in this process."""
    return tuple(_remarks)
