"""The hints that every row is scored with, spread once a bench: a row upon a propagator that learns nothing reads what
another row upon it has spread.

Photos and hints of scores, sweeps and curves are a suite's and not a row's, so that fifty rows upon one propagator
would solve the same equations fifty times. What lies here lives as long as its bench; no score depends on it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import shutil
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor, nn

from zoo.core.errors import BadInput
from zoo.core.files import make_folder, write_whole
from zoo.core.propagated import Propagated
from zoo.core.spec import ModelSpec, fingerprint

FOLDER = ".spread"
"""In the results folder, hidden: neither a machine of a cluster nor a hub takes it along."""

LIMIT = 2**29
"""Bytes that are kept: all of a suite of 128 px. What is beyond them each row spreads for itself."""


@contextlib.contextmanager
def kept_for(results: Path, runs: Sequence[object]) -> Iterator[None]:
    """While a bench is at work on ``runs``: the folder, empty, where there are several; for whoever holds its lock.

    Raises:
        BadInput: it cannot be made.
    """
    folder = results / FOLDER
    shutil.rmtree(folder, ignore_errors=True)  # of a bench that was killed
    if len(runs) > 1:
        make_folder(folder, "choose another --out")
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def spread_once(colorizer: nn.Module, spec: ModelSpec, results: Path) -> Iterator[None]:
    """While this lasts the colorizer's propagator, if it learns nothing, spreads only what no row has spread before.

    Not for what is timed. A colorizer without a propagator, and a results folder without :data:`FOLDER`, stay as they
    are.
    """
    folder = results / FOLDER
    upon = [module for module in colorizer.modules() if isinstance(module, Propagated) and _learns_nothing(module)]
    if not upon or not folder.is_dir():
        yield
        return
    told = {"made_of": spec.made_of.get("propagator"), "part": spec.parts["propagator"]}
    identity = fingerprint(msgspec.to_builtins(told))
    before = [each.propagator for each in upon]
    try:
        for each in upon:
            each.propagator = _Remembering(each.propagator, folder, identity)
        yield
    finally:
        for each, propagator in zip(upon, before, strict=True):
            each.propagator = propagator


def _learns_nothing(upon: Propagated) -> bool:
    """Without parameters and buffers it gives the same answer to the same condition; chance is not allowed to it."""
    return next(chain(upon.propagator.parameters(), upon.propagator.buffers()), None) is None


class _Remembering(nn.Module):
    """A propagator that keeps its answers in a folder, by itself and the condition's bytes. Only on the CPU: elsewhere
    to look at a condition is to wait for it, and spreading is quick.
    """

    def __init__(self, propagator: nn.Module, folder: Path, identity: str):
        super().__init__()
        self.propagator, self.folder, self.identity = propagator, folder, identity

    def forward(self, condition: Tensor) -> Any:
        if condition.device.type != "cpu":
            return self.propagator(condition)
        pixels = condition.detach().contiguous().numpy()
        content = hashlib.blake2b(f"{self.identity} {pixels.shape} {pixels.dtype}".encode(), digest_size=16)
        content.update(pixels.data)
        path = self.folder / f"{content.hexdigest()}.pt"
        if path.is_file():
            return torch.load(path, weights_only=True)
        found = self.propagator(condition)
        if sum(file.stat().st_size for file in self.folder.glob("*.pt")) < LIMIT:
            answer = io.BytesIO()
            torch.save(found, answer)
            with contextlib.suppress(BadInput):  # a full disk: the answer is here all the same
                write_whole(path, answer.getvalue())
        return found
