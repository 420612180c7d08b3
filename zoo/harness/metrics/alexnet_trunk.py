"""Where torchvision's AlexNet weights are on this machine, fetching them once where they are not."""

from __future__ import annotations

import hashlib
import threading
import time
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any

import torch

from zoo.core.errors import BadInput, Unavailable
from zoo.core.files import make_folder, writing

# What torchvision.models.AlexNet_Weights.IMAGENET1K_V1 names, without importing torchvision.
URL = "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth"
SHA256_PREFIX = "7be5be79"

CONNECT_SECONDS = 4.0
RETRY_AFTER_SECONDS = 3600.0
_MEND = "give the file with `--lpips-trunk FILE`, or fill the column in later with `zoo eval RUN --metrics lpips`"

_failed_here: set[Path] = set()


def trunk_file(*, download: bool = True) -> Path:
    """The weights in torch's own cache (``TORCH_HOME``), which other programs may have filled.

    A failed download is remembered for an hour beside the place of the file, so that the forty
    runs of a bench, each a process of its own, wait for an absent network once.

    Raises:
        Unavailable: not there and not to be had, or there and damaged.
    """
    file = Path(torch.hub.get_dir()) / "checkpoints" / Path(URL).name
    if file.is_file():
        if not sha256_of(file).startswith(SHA256_PREFIX):
            raise Unavailable(f"lpips: {file} is damaged (its SHA-256 is another); delete it and try again.")
        return file
    if not download:
        raise Unavailable(f"lpips: the AlexNet trunk is not at {file}; {_MEND}.")
    if _failed_lately(file):
        raise Unavailable(f"lpips: the AlexNet trunk could not be downloaded; {_MEND}.")
    try:
        _download(file)
    except (OSError, HTTPException, BadInput) as error:
        _remember_failure(file)
        raise Unavailable(f"lpips: the AlexNet trunk could not be downloaded; {_MEND}.") from error
    return file


def sha256_of(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _download(file: Path) -> None:
    response = _connect()
    make_folder(file.parent)
    digest = hashlib.sha256()
    with response, writing(file) as part:
        with part.open("wb") as opened:
            while block := response.read(1 << 20):
                digest.update(block)
                opened.write(block)
        if not digest.hexdigest().startswith(SHA256_PREFIX):
            raise OSError("it arrived damaged")


def _connect() -> Any:
    """An open response. In a thread, because looking a name up obeys no timeout."""
    outcome: list[Any] = []

    def attempt() -> None:
        try:
            outcome.append(urllib.request.urlopen(URL, timeout=CONNECT_SECONDS))
        except (OSError, HTTPException) as error:
            outcome.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    if not outcome:
        raise TimeoutError(f"no answer within {CONNECT_SECONDS:g} s")
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    return outcome[0]


def _marker(file: Path) -> Path:
    return file.with_name(file.name + ".unreachable")


def _failed_lately(file: Path) -> bool:
    if file in _failed_here:
        return True
    try:
        return time.time() - _marker(file).stat().st_mtime < RETRY_AFTER_SECONDS
    except OSError:
        return False


def _remember_failure(file: Path) -> None:
    _failed_here.add(file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _marker(file).touch()
    except OSError:
        return  # A read-only cache: this process remembers, the next one tries again.
