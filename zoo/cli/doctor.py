"""``zoo doctor``: is everything here that the zoo can use? One line a finding."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
from collections.abc import Callable, Iterator

import click

from zoo.cli.terminal import echo
from zoo.core.errors import ZooError
from zoo.core.process import usable_cores

_DEPENDENCIES = (
    "torchvision",
    "timm",
    "segmentation-models-pytorch",
    "lpips",
    "stlpips-pytorch",
    "pytorch-msssim",
    "safetensors",
    "msgspec",
    "numpy",
    "scipy",
    "pillow",
    "pandas",
)

Finding = tuple[bool, str, str]


@click.command("doctor", short_help="Look for what the zoo can use and what is missing.")
def command() -> None:
    """Look at Python, torch, the device, dependencies, the cache, weights and plugins.

    Each line is ok, or warn with what is missing and what that costs. Exit code 0 either way.
    """
    for inspect in (_python, _torch, _dependencies, _cache, _weights, _plugins):
        for fine, what, detail in _safely(inspect):
            echo(f"{'ok  ' if fine else 'warn'}  {what.ljust(27)}  {detail}")


def _safely(inspect: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from inspect()
    except (ZooError, ImportError, OSError, RuntimeError) as error:
        yield False, inspect.__name__.strip("_"), f"{type(error).__name__}: {error}"


def _python() -> Iterator[Finding]:
    from zoo import __version__

    yield True, "zoo", __version__
    yield True, "python", f"{platform.python_version()} on {platform.platform(terse=True)}"
    yield True, "cores", str(usable_cores())


def _torch() -> Iterator[Finding]:
    import torch

    from zoo.harness.training.device import cards

    yield True, "torch", f"{torch.__version__}, {torch.get_num_threads()} threads"
    found = list(cards())
    for index, (name, gib) in enumerate(found):
        yield True, f"cuda:{index}", f"{name}, {gib:.0f} GiB"
    if found:
        return
    if torch.backends.mps.is_available():
        yield True, "mps", "Apple GPU"
    else:
        yield True, "device", "cpu only: the quick suite is made for it, the others want a GPU"


def _dependencies() -> Iterator[Finding]:
    for name in _DEPENDENCIES:
        try:
            yield True, name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield False, name, "not installed; install the zoo again (pip install .)"


def _cache() -> Iterator[Finding]:
    from zoo.harness.data.build import cache_folder

    folder = cache_folder()
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    writable = os.access(folder, os.W_OK)
    free = shutil.disk_usage(folder).free / 2**30
    note = "" if writable else "; it cannot be written, set ZOO_CACHE to another folder"
    yield writable, "cache", f"{folder}, {size / 2**20:.0f} MiB used, {free:.0f} GiB free{note}"


def _weights() -> Iterator[Finding]:
    from zoo.core.assemble import make
    from zoo.core.contracts import CONDITION_CHANNELS

    try:
        make("metrics", "lpips", download=False)
        yield True, "lpips trunk", "at hand"
    except ZooError as error:
        yield False, "lpips trunk", f"{error} Until then the column lpips may stay empty."
    backbone = "tf_efficientnet_lite0"
    try:
        make("encoders", "timm", CONDITION_CHANNELS, backbone=backbone, pretrained=True)
        yield True, backbone, "pretrained weights at hand"
    except ZooError as error:
        yield False, backbone, str(error)


def _plugins() -> Iterator[Finding]:
    from zoo.core.kinds import KINDS
    from zoo.core.registry import current

    registry = current()
    entries = [registry.entry(kind, name) for kind in KINDS for name in registry.names(kind)]
    plugins = [entry for entry in entries if entry.row is None]
    for entry in plugins:
        what = f"{entry.kind}/{entry.name} of {entry.distribution} {entry.version}"
        try:
            registry.load(entry.kind, entry.qualified)
            yield True, "plugin", what
        except ZooError as error:
            yield False, "plugin", f"{what}: {error}"
    for each in registry.misplaced:
        yield False, "plugin", str(each)
    if not plugins and not registry.misplaced:
        yield True, "plugins", "none installed; zoo new-plugin NAME writes one"
