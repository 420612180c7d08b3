"""The models that the page offers: each loaded when it is first chosen, and once for all browsers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import torch

from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput, ZooError
from zoo.core.origin import Origin, origin_of
from zoo.core.registry import current
from zoo.core.resolve import build
from zoo.core.spec import SHIPPED, UNTRAINED
from zoo.core.trained import load
from zoo.studio.colorize import wants_a_photo_alone

FIRST = "pyramid"
"""Which model that spreads hints is offered first."""


class Loaded(NamedTuple):
    """A model, and where it comes from."""

    colorizer: Colorizer
    origin: Origin


class Offered:
    """Models by what the page calls them.

    Args:
        named: runs or models, as ``--with`` takes them; besides them the one that comes with the zoo, and all
            that spread hints without any training.
        weights, options: for the only one of ``named``.
        device: where they compute.
    """

    def __init__(
        self,
        named: Sequence[str],
        weights: Path | None = None,
        options: Mapping[str, Any] | None = None,
        device: torch.device | str = "cpu",
    ):
        self._asked = {name: (weights, dict(options or {})) for name in named}
        self._device = device
        self._loaded: dict[str, Loaded] = {}
        self._lock = Lock()
        self.names = tuple(dict.fromkeys((*named, SHIPPED, *spreading())))

    def __getitem__(self, name: str) -> Loaded:
        """The model of this name.

        Raises:
            BadInput: a name that is not offered, or a model that wants more than a photo and hints.
            ZooError: it cannot be loaded.
        """
        if name not in self.names:
            raise BadInput(f"{name[:80]!r} is not offered on this page; choose one of {', '.join(self.names)}.")
        with self._lock:
            if name not in self._loaded:
                weights, options = self._asked.get(name, (None, {}))
                colorizer = load(name, self._device, weights=weights, options=options)
                wants_a_photo_alone(colorizer)
                self._loaded[name] = Loaded(colorizer, origin_of(name, weights, options))
            return self._loaded[name]


def spreading() -> list[str]:
    """The registered models that colour a photo by its hints as they are, :data:`FIRST` at the front."""
    registry = current()
    found = []
    for name in registry.names("models"):
        try:
            if registry.model_row(name).recipe == UNTRAINED and _spreads(build(name)):
                found.append(name)
        except ZooError:
            continue  # a stranger's, that cannot be built here: `zoo list` says why
    return sorted(found, key=lambda name: (name != FIRST, name))


@torch.no_grad()
def _spreads(model: Colorizer) -> bool:
    """Whether one hint on a grey patch colours its corner."""
    condition = torch.zeros(1, 4, 16, 16)
    condition[0, 1:, 8, 8] = 1
    return not model.extras and bool(model.eval()(condition)["ab"][0, :, 0, 0].any())
