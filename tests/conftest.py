"""What all tests share: real photographs, small and few; and that no test depends on how busy the machine is."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

from zoo.core.process import wait_passively

wait_passively()  # before torch: threads that spin cost a busy machine as much as threads that work
# Nobody cuts the power here: that a file is on the disk before it has its name is asked for (core/test_files.py), and
# only the processes that tests start wait for the disk.
os.fsync = lambda descriptor: None
# The hundreds of processes that tests start read the zoo compiled, also where the shell says that Python keeps nothing.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# How long an example takes says something of the machine, not of the code.
settings.register_profile("without a clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("without a clock")

PHOTOS = Path(__file__).parent.parent / "zoo" / "harness" / "data" / "photos"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those first that take longest, so that none begins when the other process has nothing left to do."""

    def seconds(item: pytest.Item) -> float:
        mark = item.get_closest_marker("slow")
        return mark.kwargs.get("seconds", 0.0) if mark else 0.0

    items.sort(key=seconds, reverse=True)  # all others as they are: tests of a file share what is made once


@pytest.fixture(scope="session")
def photo_paths() -> list[Path]:
    """Eight real photos, 256×256 JPEG, in a fixed order."""
    return sorted((PHOTOS / "validation").glob("*.jpg"))[::5][:8]


@pytest.fixture(scope="session")
def photos(photo_paths: list[Path]) -> list[np.ndarray]:
    """The same photos as uint8 (256, 256, 3) RGB arrays."""
    return [np.array(Image.open(path).convert("RGB")) for path in photo_paths]


@pytest.fixture(scope="session")
def benchmark_script() -> Callable[[str], ModuleType]:
    """A script of benchmarks/ by its path there, imported: the very one that prints what is published."""
    return lambda path: _imported(Path(__file__).parents[1] / "benchmarks" / path, path)


@pytest.fixture(scope="session")
def films() -> ModuleType:
    """``films.py`` beside this file: small films, written and read."""
    return _imported(Path(__file__).with_name("films.py"), "films.py")


def _imported(file: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name.replace("/", "_").removesuffix(".py"), file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look their annotations up
    spec.loader.exec_module(module)
    return module
