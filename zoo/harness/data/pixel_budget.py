"""How much may be decoded at a time: a file of a few kilobytes can unfold to gigabytes, and threads multiply it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator


class PixelBudget:
    """Lets threads decode as long as their photos together have at most ``limit`` pixels.

    A photo above the limit waits until it is alone.
    """

    def __init__(self, limit: int):
        self._limit = limit
        self._in_flight = 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def spent(self, pixels: int) -> Iterator[None]:
        """Wait until ``pixels`` more fit, and hold them within the block."""
        wanted = min(pixels, self._limit)
        with self._changed:
            self._changed.wait_for(lambda: self._in_flight + wanted <= self._limit)
            self._in_flight += wanted
        try:
            yield
        finally:
            with self._changed:
                self._in_flight -= wanted
                self._changed.notify_all()
