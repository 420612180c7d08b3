"""A model zoo and benchmark harness for image colorization.

The public names, loaded when they are first used: ``import zoo`` alone imports no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.core.registry import list_models as list_models
    from zoo.core.resolve import build as build
    from zoo.core.trained import load as load
    from zoo.harness.metrics.score import score as score
    from zoo.harness.results.frames import compare as compare
    from zoo.harness.results.frames import leaderboard as leaderboard
    from zoo.harness.results.frames import runs as runs
    from zoo.harness.results.frames import scores as scores
    from zoo.harness.run.asked import bench as bench
    from zoo.studio.colorize import colorize as colorize
    from zoo.studio.suggest import suggest as suggest

__version__ = "0.1.0"

_HOMES = {
    "bench": "zoo.harness.run.asked",
    "build": "zoo.core.resolve",
    "list_models": "zoo.core.registry",
    "load": "zoo.core.trained",
    "colorize": "zoo.studio.colorize",
    "suggest": "zoo.studio.suggest",
    "score": "zoo.harness.metrics.score",
    "compare": "zoo.harness.results.frames",
    "leaderboard": "zoo.harness.results.frames",
    "runs": "zoo.harness.results.frames",
    "scores": "zoo.harness.results.frames",
}
__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
