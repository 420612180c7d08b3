"""What each kind of part promises. Structural: keep the shape and you are a part, no base class.

Tensors, everywhere in this package:

=============  =======================  =====================================================
name           shape                    values
=============  =======================  =====================================================
lightness      (N, 1, H, W)             L*/50 - 1
ab             (N, 2, H, W)             a*/110, b*/110
hint_ab        (N, 2, H, W)             as ab where the mask is 1, else 0
hint_mask      (N, 1, H, W)             0 or 1
condition      (N, 4, H, W)             lightness, hint_ab, hint_mask
=============  =======================  =====================================================

What a network is given is the condition with ``hint_ab`` multiplied by its ``hint_gain``, see :data:`HINT_GAIN`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn

CONDITION_CHANNELS = 4

SPREAD_CHANNELS = 3
"""What a propagator gives: ab and confidence."""

HINT_GAIN = 8.0
"""What makes the colours of hints as large as everything else that a network reads.

The ab of photographs has a root mean square of about 0.15, a seventh of what layers are initialised for,
and hints are at few pixels only: without a gain a network spends its first hundreds of steps finding out
that they exist. A network that learns to read hints says so by an attribute ``hint_gain`` of this value;
without one it is given ``hint_ab`` as it is. A power of two, so that weights made without it can be
converted exactly.
"""


class Level(NamedTuple):
    """One map of a pyramid: its channels, and by how much it is smaller than the condition."""

    channels: int
    reduction: int


@dataclass
class Pyramid:
    """An encoder's feature maps, fine to coarse, each (N, C_i, H / reduction_i, W / reduction_i).

    ``pool_indices`` holds what unpooling decoders need: entry i are the indices (from
    ``max_pool2d(return_indices=True)``) of the pooling *after* map i; empty for encoders
    that do not pool.
    """

    maps: list[Tensor]
    pool_indices: list[Tensor] = field(default_factory=list)


@dataclass(frozen=True)
class Batch:
    """What a loss sees of the truth. All tensors float32 on one device."""

    lightness: Tensor
    ab: Tensor
    hint_ab: Tensor
    hint_mask: Tensor
    extras: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def condition(self) -> Tensor:
        """(N, 4, H, W): lightness, hint_ab, hint_mask."""
        return torch.cat((self.lightness, self.hint_ab, self.hint_mask), dim=1)


Prediction = dict[str, Tensor]
"""What a colorizer returns: at least ``"ab"`` (N, 2, H, W). Extra keys (``logits``,
``aux_logits``, ``scales``, ``lightness`` …) are what particular losses read."""


class Propagator(Protocol):
    """``Propagator(**options)``: condition (N, 4, H, W) to ab (N, 2, H, W), or to it and a confidence (N, 1, H, W)
    in [0, 1], or to a :data:`Prediction` with ``ab`` and perhaps ``confidence``, whose other maps losses may read. Any
    H, W ≥ 1; a photo without hints stays grey until the propagator has learned colours of its own."""

    def __call__(self, condition: Tensor) -> Tensor | tuple[Tensor, Tensor] | Prediction: ...


class Encoder(Protocol):
    """``Encoder(in_channels, **options)``."""

    levels: tuple[Level, ...]

    def __call__(self, x: Tensor) -> Pyramid: ...


class Bridge(Protocol):
    """``Bridge(levels, **options)``: a pyramid in, a pyramid with ``self.levels`` out."""

    levels: tuple[Level, ...]

    def __call__(self, pyramid: Pyramid) -> Pyramid: ...


class Decoder(Protocol):
    """``Decoder(levels, **options)``: features (N, channels, H / reduction, W / reduction)."""

    channels: int
    reduction: int

    def __call__(self, pyramid: Pyramid) -> Tensor: ...


class Skip(Protocol):
    """``Skip(skip_channels, gate_channels, **options)``; both inputs have one size.

    ``gate`` is the upsampled decoder feature; ``channels`` is what comes out.
    """

    channels: int

    def __call__(self, skip: Tensor, gate: Tensor) -> Tensor: ...


class Block(Protocol):
    """``Block(in_channels, out_channels, **options)``: (N, in, H, W) to (N, out, H, W)."""

    def __call__(self, x: Tensor) -> Tensor: ...


class Head(Protocol):
    """``Head(channels, **options)``: decoder features to a :data:`Prediction`.

    One that reads the condition too has ``refine``: :class:`zoo.core.colorizer.Refiner`.
    """

    def __call__(self, features: Tensor, /) -> Prediction: ...


class Loss(Protocol):
    """``Loss(**options)``: a scalar, smaller is better."""

    def __call__(self, prediction: Prediction, batch: Batch) -> Tensor: ...


class HintSampler(Protocol):
    """``HintSampler(**options)``: which colours of the truth are given away.

    ``ab`` (N, 2, H, W) → ``hint_ab`` (N, 2, H, W), ``hint_mask`` (N, 1, H, W). Draws only from
    ``generator`` (on the device of ``ab``); never from the global random state.
    """

    def __call__(self, ab: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]: ...


class Augmentation(Protocol):
    """``Augmentation(**options)``: training photos changed, before they are parted into lightness and truth.

    uint8 (N, 3, H, W) → the same. Draws only from ``generator``, which may be on another device than the photos.
    """

    def __call__(self, photos: Tensor, generator: torch.Generator) -> Tensor: ...


class Metric(Protocol):
    """``Metric(**options)``: a score per image on uint8 RGB tensors (N, 3, H, W)."""

    name: str
    higher_is_better: bool
    version: str

    def per_image(self, prediction: Tensor, target: Tensor) -> Tensor: ...


class Dataset(Protocol):
    """``Dataset(split, **options)``: photos as uint8 (H, W, 3) RGB arrays, split train, validation or test.

    It is asked for validation photos only where its class has ``splits = ("train", "validation", "test")``, and may
    then have none; else a part of its training photos is kept for them. What it may have besides: ``names``, ``labels``
    and ``originals`` (what a photo was cut from), one a photo; ``notes``, sentences on what it did not take;
    ``pixels(index)``, how many a photo unfolds to, so that large ones are decoded one at a time; ``photo(index)``, a
    :class:`zoo.core.photo.Photo` with notes of its own; a static ``canonical(argument)``, the argument as a record
    keeps it (an absolute path).
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> np.ndarray: ...

    def fingerprint(self) -> str: ...


class TrainingData(Protocol):
    """What an objective may read before the first step (priors, closed-form fits)."""

    def __iter__(self) -> Iterator[Batch]:
        """One pass over the training photos, hinted, not augmented, in a fixed order."""
        ...


class Objective(Protocol):
    """``Objective(colorizer, losses, **options)``: owns what training needs beyond the colorizer.

    ``losses`` maps a registered loss name to ``(weight, loss)``. An objective is an
    :class:`torch.nn.Module` when it has parameters or state of its own (discriminator, teacher).

    The loop calls, in this order: ``prepare(data)`` once before the first step of a fresh run (not
    on resume: what it computes must live in buffers, so that it is in the checkpoint);
    ``begin_step(progress)`` with progress in [0, 1) before each step (freeze, unfreeze, anneal);
    then for every name in ``players`` in order ``loss(player, batch)``, backward and that player's
    optimizer step over ``parameters_of(player)``.
    """

    players: Sequence[str]

    def prepare(self, data: TrainingData) -> None: ...

    def begin_step(self, progress: float) -> None: ...

    def parameters_of(self, player: str) -> Iterable[nn.Parameter]: ...

    def loss(self, player: str, batch: Batch) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The scalar to minimise, and named detached terms for the log."""
        ...
