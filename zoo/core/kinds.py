"""The table of kinds: everything that can be plugged in, and how it is called. Torch-free.

The registry, entry points, ``zoo list``, ``zoo check``, the options that name a part, and the table in
docs/plugins.md read it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of part.

    Attributes:
        plural: its name in the table, on the command line and in the entry-point group.
        singular: what errors call one of them.
        role: its place in a composed colorizer, where it has one.
        called: how the harness makes one.
        gives: what that is, or what calling it gives.
    """

    plural: str
    singular: str
    role: str = ""
    called: str
    gives: str

    @property
    def group(self) -> str:
        """The entry-point group by which a package adds one."""
        return f"zoo.{self.plural}"


def _kind(plural: str, called: str, gives: str, *, singular: str = "", role: str = "") -> Kind:
    return Kind(plural=plural, singular=singular or plural[:-1], role=role, called=called, gives=gives)


KINDS: dict[str, Kind] = {
    kind.plural: kind
    for kind in (
        _kind("models", "`Model(**options)`", "a network with its row: condition (N, 4, H, W) → ab (N, 2, H, W)"),
        _kind(
            "propagators",
            "`Propagator(**options)`",
            "condition (N, 4, H, W) → ab (N, 2, H, W), confidence (N, 1, H, W) in [0, 1]",
            role="propagator",
        ),
        _kind(
            "networks",
            "`Network(**options)`",
            "condition (N, 4, H, W) → ab (N, 2, H, W), or a mapping with it",
            role="network",
        ),
        _kind("encoders", "`Encoder(in_channels, **options)`", "`.levels`, (N, C, H, W) → `Pyramid`", role="encoder"),
        _kind("bridges", "`Bridge(levels, **options)`", "`.levels`, `Pyramid` → `Pyramid`", role="bridge"),
        _kind(
            "decoders",
            "`Decoder(levels, **options)`",
            "`.channels`, `.reduction`, `Pyramid` → (N, channels, H/reduction, W/reduction)",
            role="decoder",
        ),
        _kind("skips", "`Skip(skip_channels, gate_channels, **options)`", "`.channels`, (skip, gate) → tensor"),
        _kind("blocks", "`Block(in_channels, out_channels, **options)`", "tensor → tensor of the same size"),
        _kind("heads", "`Head(channels, **options)`", 'features → dict with `"ab"`', role="head"),
        _kind("hints", "`HintSampler(**options)`", "(ab, generator) → hint_ab, hint_mask", singular="hint sampler"),
        _kind(
            "augmentations",
            "`Augmentation(**options)`",
            "(photos, generator) → photos: uint8 (N, 3, H, W), cropped, before there are hints",
        ),
        _kind("losses", "`Loss(**options)`", "(prediction, batch) → scalar", singular="loss"),
        _kind("objectives", "`Objective(colorizer, losses, **options)`", "what training needs beyond the colorizer"),
        _kind(
            "optimizers",
            "`Optimizer(groups, *, lr, **options)`",
            "a `torch.optim.Optimizer`; of the recipe's `betas` and `momentum` it is given what it names",
        ),
        _kind("schedules", "`schedule(**options)`", "progress in [0, 1] → what the learning rate is multiplied by"),
        _kind("extras", "`extra(banks)`", "view of a batch → tensor (N, …), what a model names in `extras`"),
        _kind("datasets", "`Dataset(split, **options)`", "photos as uint8 (H, W, 3), `.fingerprint()`"),
        _kind("metrics", "`Metric(**options)`", "`.per_image(prediction, target)` → (N,)"),
        _kind("executors", "`Executor()`", "`.start(target, payload)` → a task at work elsewhere"),
        _kind("trackers", "`Tracker(run_folder, run_name, config)`", "`.log(step, values)`, `.finish(status, scores)`"),
    )
}

ROLES = tuple(kind.role for kind in KINDS.values() if kind.role)
"""What a colorizer is made of, in the order data flows through it: see :class:`zoo.core.spec.ModelRow`."""

KIND_OF_ROLE = {kind.role: kind.plural for kind in KINDS.values() if kind.role}


class Names(NamedTuple):
    """In an option's annotation: the option names a registered part, or several.

    ``block: Annotated[str | dict[str, Any], Names("blocks")] = "double_conv"``. Its value is a name, a mapping
    ``{name: ..., **options}``, or a sequence of these. Such parts are checked and enter a run's identity.
    """

    kind: str


def named_kind(annotation: Any) -> str | None:
    """The kind that an annotation's :class:`Names` says, if there is one."""
    metadata: Iterable[Any] = getattr(annotation, "__metadata__", ())
    return next((each.kind for each in metadata if isinstance(each, Names)), None)
