"""Where things that can be computed again are kept, and how they get there in one piece."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from zoo.core.files import make_folder

VARIABLE = "ZOO_CACHE"
MEND = f"set {VARIABLE} to another folder"
"""The end of the sentence for a cache that cannot be written."""


def cache_folder(*parts: str) -> Path:
    """``$ZOO_CACHE``, else the user's cache folder for colorizer-zoo; ``parts`` below it, created.

    Raises:
        BadInput: the folder cannot be made.
    """
    root = Path(os.environ.get(VARIABLE) or platformdirs.user_cache_dir("colorizer-zoo"))
    folder = root.expanduser().joinpath(*parts)
    return make_folder(folder, MEND)
