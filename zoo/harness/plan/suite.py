"""Suites: the protocols, one YAML file each. A suite decides what is equal for all models."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from zoo.core.errors import UnknownName, did_you_mean
from zoo.core.record import check_name
from zoo.core.resources import suites_folder
from zoo.core.strict_yaml import decode, read_mapping
from zoo.harness.data.source import canonical
from zoo.harness.training.budget import Budget

METRICS = ("psnr", "ssim", "lpips", "st_lpips", "delta_e00", "colorfulness_gap", "bleeding", "checkerboard")

_SWEEP_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""It becomes a file's name."""


LONGEST_SECONDS = 1e9
"""A wait of thirty years is as good as one without end, which no clock of the system takes."""
Side = Annotated[int, msgspec.Meta(ge=16, le=8192)]
"""Of a square photo, in pixels. At the upper end one photo takes 200 MB."""
Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class HintSweep(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The same photos with more and more hints.

    Args:
        hints: the sampler. For ``counts`` it is asked for one hint at a time (its option ``count`` is set to 1).
        counts: how many hints a photo; fewer are the first of more, and where two overlap the later one counts.
        densities: or the values that the sampler's option ``densities`` takes, one after the other.
    """

    hints: str | dict[str, Any]
    counts: tuple[Annotated[int, msgspec.Meta(ge=0, le=1_000_000)], ...] = ()
    densities: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.counts) == bool(self.densities):
            raise ValueError("a hint sweep needs either counts or densities")

    @property
    def levels(self) -> tuple[float, ...]:
        return self.counts or self.densities


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
        options: model options, for every model of ours that names them, and our objectives. Others keep their own.
        model_options: by a model's name, ours or not: options of that one.
        eval_hints: the hints given when scoring; they are the same for every model and seed.
        sweeps: hint sweeps that a trained colorizer is scored on besides, each under the name its rows carry.
        sweep_limit: do so on the first so many test photos only.
        psnr_target: the PSNR in dB whose ``time_to`` is taken from the curve; it decides nothing else.
        curve: how often during training the PSNR is taken, outside the clock.
        compile: train through ``torch.compile``; the compiling is not on the clock, and scores are taken without.
        threads: CPU threads a run; None is all cores. It stays the same whatever ``--jobs`` is,
            because the order of a sum decides its last digits.
        timeout: seconds after which a run is given up.
        checkpoint_every: seconds between two checkpoints.
        track: trackers that a run's log goes to besides its own ``log.jsonl``; they decide no number.
    """

    name: str = ""
    summary: str = ""
    size: Side
    load_size: Side | None = None
    fit: Literal["crop", "stretch"] = "crop"
    data: str = "photos"
    test_data: str | None = None
    test_limit: Count | None = None
    seeds: Count = 1
    batch: Count | None = None
    budget: Budget | None = None
    recipe: str | None = None
    train_hints: str | dict[str, Any] | None = None
    eval_hints: str | dict[str, Any] = "none"
    hint_seed: int = 0
    options: dict[str, Any] = {}
    model_options: dict[str, dict[str, Any]] = {}
    metrics: tuple[str, ...] = METRICS
    sweeps: dict[str, HintSweep] = {}
    sweep_limit: Count | None = None
    psnr_target: Annotated[float, msgspec.Meta(ge=-1000, le=1000)] | None = None
    curve: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 5
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    channels_last: bool = True
    compile: bool = False
    deterministic: bool = False
    threads: Count | None = None
    timeout: Annotated[float, msgspec.Meta(gt=0, le=LONGEST_SECONDS)] = 3600.0
    checkpoint_every: Annotated[float, msgspec.Meta(ge=0, le=LONGEST_SECONDS)] = 30.0
    track: tuple[str, ...] = ()
    version: int = 1

    def __post_init__(self) -> None:
        if self.load_size is not None and self.load_size < self.size:
            raise ValueError("a suite needs load_size ≥ size")
        for name in self.sweeps:
            if not _SWEEP_NAME.fullmatch(name):
                raise ValueError(f"a sweep's name is letters, digits, - and _, not {name[:80]!r}")

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
    # The name becomes the results folder's.
    return msgspec.structs.replace(suite, name=check_name(suite.name or path.stem, f"{shown}, name"))


def with_canonical_sources(suite: Suite) -> Suite:
    """The suite with sources that mean the same from every working directory, since its record is read from others."""
    test_data = None if suite.test_data is None else canonical(suite.test_data)
    return msgspec.structs.replace(suite, data=canonical(suite.data), test_data=test_data)
