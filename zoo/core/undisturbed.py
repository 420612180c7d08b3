"""Pillow without its own opinion on size and without its warnings, for as long as one of our readers is at work.

A scan of 100 megapixels makes Pillow warn of a bomb, odd tags make it warn of metadata, and under
``PYTHONWARNINGS=error`` either ends the reading. How large a photo may be is ours to say, and what is
unusual about a file is said in its notes. Pillow's limit and Python's filters belong to the process, so they
are put back when the last reader of all threads is done.
"""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Iterator

from PIL import Image

_lock = threading.Lock()
_readers = 0
_restore = contextlib.ExitStack()


@contextlib.contextmanager
def undisturbed(limit: int) -> Iterator[None]:
    """Within it Pillow's own limit is at least ``limit`` pixels (it refuses twice that), and its warnings are off."""
    global _readers
    with _lock:
        if _readers == 0:
            _restore.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", module=r"PIL\.|pillow_heif")
            _restore.callback(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
        _readers += 1
        Image.MAX_IMAGE_PIXELS = max(limit, Image.MAX_IMAGE_PIXELS or limit)
    try:
        yield
    finally:
        with _lock:
            _readers -= 1
            if _readers == 0:
                _restore.close()
