"""The one downloader: a published file in torch's own cache, checked by its SHA-256; and the trunks that several want.

torch.hub's checked downloader does the work. Around it: a network that does not answer is given up on within
seconds, and a file that is in the cache already is checked too, which torch.hub does not do.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
import urllib.parse
import urllib.request
from http.client import HTTPException
from pathlib import Path

from zoo.core.errors import Unavailable
from zoo.core.files import sha256_of

CONNECT_SECONDS = 4.0
RETRY_AFTER_SECONDS = 3600.0
FAILURES = (OSError, HTTPException, RuntimeError, ValueError)
"""What a download can end in: no network, a page that is not there, a full disk, a file that arrived damaged."""

_failed_here: set[Path] = set()


def cached_file(url: str, sha256: str) -> Path:
    """Where torch keeps the file (``TORCH_HOME``); other programs may have put it there already."""
    import torch

    name = Path(urllib.parse.unquote(urllib.parse.urlsplit(url).path)).name or "weights.pth"
    if sha256[:8] not in name:  # two files of one name must not take each other's place
        name = f"{Path(name).stem}-{sha256[:8]}{Path(name).suffix}"
    return Path(torch.hub.get_dir()) / "checkpoints" / name


def fetch(url: str, sha256: str, what: str, mend: str, *, download: bool = True, again: bool = False) -> Path:
    """The file behind ``url``, from torch's cache or downloaded into it.

    A failed download is remembered for an hour beside the place of the file, so that the forty runs of a bench,
    each a process of its own, wait for an absent network once.

    Args:
        url: http or https.
        sha256: the first digits of its SHA-256.
        what: what error messages call it, such as "the AlexNet trunk".
        mend: what a user can do instead, the end of those messages.
        download: whether the network may be asked.
        again: ask it also where it failed lately: a person is waiting.

    Raises:
        Unavailable: not there and not to be had, or there and damaged.
    """
    import torch

    file = cached_file(url, sha256)
    if file.is_file():
        if not sha256_of(file).startswith(sha256):
            raise Unavailable(f"{file} is damaged (its SHA-256 does not begin with {sha256}); delete it and try again.")
        return file
    if not download:
        raise Unavailable(f"{what} is not at {file}; {mend}.")
    if not again and _failed_lately(file):
        raise Unavailable(f"{what} could not be downloaded; {mend}.")
    try:
        _connect(url)
        file.parent.mkdir(parents=True, exist_ok=True)
        # Into a file of its own, moved to its place when it is whole and its hash is right.
        torch.hub.download_url_to_file(url, str(file), hash_prefix=sha256, progress=False)
    except FAILURES as error:
        _failed_here.add(file)
        with contextlib.suppress(OSError):  # a read-only cache: this process remembers, the next one tries again
            file.parent.mkdir(parents=True, exist_ok=True)
            _marker(file).touch()
        raise Unavailable(f"{what} could not be downloaded from {url} ({_reason(error)}); {mend}.") from error
    return file


def _connect(url: str) -> None:
    """Whether anybody answers. In a thread, because looking a name up obeys no timeout; torch.hub waits for ever."""
    outcome: list[Exception | None] = []

    def attempt() -> None:
        try:
            urllib.request.urlopen(url, timeout=CONNECT_SECONDS).close()
            outcome.append(None)
        except FAILURES as error:
            outcome.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    if not outcome:
        raise TimeoutError(f"no answer within {CONNECT_SECONDS:g} s")
    if outcome[0] is not None:
        raise outcome[0]


def _reason(error: BaseException) -> str:
    text = re.sub(r"\s+", " ", str(error)).strip().rstrip(".") or type(error).__name__
    return "it arrived damaged: " + text if "invalid hash value" in text else text


def _marker(file: Path) -> Path:
    return file.with_name(file.name + ".unreachable")


def _failed_lately(file: Path) -> bool:
    if file in _failed_here:
        return True
    try:
        return time.time() - _marker(file).stat().st_mtime < RETRY_AFTER_SECONDS
    except OSError:
        return False


# What torchvision's IMAGENET1K_V1 weights name, without importing torchvision: a file's name ends in its hash.
TRUNKS = {
    name: f"https://download.pytorch.org/models/{file}.pth"
    for name, file in {
        "alexnet": "alexnet-owt-7be5be79",
        "squeezenet1_1": "squeezenet1_1-b8a52dc0",
        "vgg16": "vgg16-397923af",
    }.items()
}


def trunk_sha256(name: str) -> str:
    """The first digits of the file's SHA-256."""
    return TRUNKS[name].rpartition("-")[2].removesuffix(".pth")


def trunk_file(name: str, what: str, mend: str, *, download: bool = True) -> Path:
    """The file, from torch's cache or downloaded into it; see :func:`zoo.core.download.fetch`.

    Raises:
        Unavailable: not there and not to be had, or there and damaged.
    """
    return fetch(TRUNKS[name], trunk_sha256(name), what, mend, download=download)
