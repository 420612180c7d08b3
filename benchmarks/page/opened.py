"""``zoo serve`` and a headless Chromium that has opened its page."""

from __future__ import annotations

import contextlib
import json
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "example"
SHOWN = (
    "(() => {const i = document.querySelector('.picture img'); return i?.complete && i.naturalWidth ? i.src : ''})()"
)


@contextlib.contextmanager
def opened(*options: str) -> Iterator[Any]:
    """The browser, closed with the program when the block ends; ``options`` are those of ``zoo serve``."""
    driver = runpy.run_path(str(ROOT / "tests" / "e2e" / "chromium.py"))
    command = [sys.executable, "-m", "zoo", "serve", "--port", "0", "--no-browser", *options]
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as server,
        contextlib.ExitStack() as stack,
    ):
        stack.callback(server.terminate)
        browser = driver["Chromium"](Path(profile))
        stack.callback(browser.close)
        assert server.stdout is not None
        browser.open(server.stdout.readline().strip())
        browser.until("!!(window.socket && window.socket.connected)")
        yield browser


@contextlib.contextmanager
def changed(browser: Any) -> Iterator[None]:
    """Within it something is done to the page; it ends when the picture that comes of it is there."""
    before = browser.run(SHOWN)
    yield
    browser.until(f"{SHOWN} !== {json.dumps(before)} && {SHOWN}")
