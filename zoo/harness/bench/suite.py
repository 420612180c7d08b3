"""Suites: the protocols, one YAML file each. A suite decides what is equal for all models."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from zoo.core.errors import UnknownName, did_you_mean
from zoo.core.resources import suites_folder
from zoo.core.strict_yaml import decode, read_mapping
from zoo.harness.training.budget import Budget

METRICS = ("psnr", "ssim", "lpips", "st_lpips", "delta_e00", "colorfulness_gap", "bleeding", "checkerboard")


class Suite(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A protocol.

    Args:
        size: side of the photos trained and scored on, in pixels.
        load_size: side of the training photos in the bank, of which ``size`` is cropped (default: no margin).
        fit: how a photo becomes a square: ``crop`` its middle, or ``stretch`` it.
        data, test_data: sources; the test photos come from the test split of ``test_data`` or ``data``.
        test_limit: score the first so many test photos only.
        seeds: runs a model.
        batch, budget, recipe, train_hints: given here they hold for every model; None leaves them to the recipe.
        options: model options, for every model that names them.
        eval_hints: the hints given when scoring; they are the same for every model and seed.
        curve: how often during training the PSNR is taken, outside the clock.
        threads: CPU threads a run; None is all cores. It stays the same whatever ``--jobs`` is,
            because the order of a sum decides its last digits.
        timeout: seconds after which a run is given up.
        checkpoint_every: seconds between two checkpoints.
    """

    name: str = ""
    summary: str = ""
    size: int
    load_size: int | None = None
    fit: Literal["crop", "stretch"] = "crop"
    data: str = "photos"
    test_data: str | None = None
    test_limit: int | None = None
    seeds: int = 1
    batch: int | None = None
    budget: Budget | None = None
    recipe: str | None = None
    train_hints: str | dict[str, Any] | None = None
    eval_hints: str | dict[str, Any] = "none"
    hint_seed: int = 0
    options: dict[str, Any] = {}
    metrics: tuple[str, ...] = METRICS
    curve: int = 5
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    channels_last: bool = True
    deterministic: bool = False
    threads: int | None = None
    timeout: float = 3600.0
    checkpoint_every: float = 30.0
    version: int = 1

    def __post_init__(self) -> None:
        if self.size < 16 or self.seeds < 1 or (self.load_size or self.size) < self.size:
            raise ValueError("a suite needs size ≥ 16, seeds ≥ 1 and load_size ≥ size")

    @property
    def bank_size(self) -> int:
        """Side of the training photos in the bank."""
        return self.load_size or self.size


def suite_names() -> list[str]:
    """The built-in suites."""
    return sorted(path.stem for path in suites_folder().glob("*.yaml"))


def load_suite(name: str) -> Suite:
    """A built-in suite by name, or one from a file.

    Args:
        name: such as ``quick``, or the path of a YAML file.

    Raises:
        UnknownName: no such suite, with the nearest.
        BadInput: a file that is not a suite.
    """
    if name in suite_names():
        path = suites_folder() / f"{name}.yaml"
    elif name.endswith((".yaml", ".yml")):
        path = Path(name)
    else:
        raise UnknownName(f"Unknown suite {name!r}; {did_you_mean(name, suite_names())}")
    shown = f"suite {name!r}" if path.parent == suites_folder() else str(path)
    suite = decode(read_mapping(path), Suite, shown)
    return msgspec.structs.replace(suite, name=suite.name or path.stem)
