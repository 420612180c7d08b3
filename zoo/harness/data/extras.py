"""What some models ask for beyond the condition, each from a registered provider.

A model names them in ``extras``; the harness puts them into ``Batch.extras`` under these names.

==============  ==================  ======================================================================
name            shape               values
==============  ==================  ======================================================================
``truth_ab``    (N, 2, H, W)        the true ab
``rgb``         (N, 3, H, W)        the photo, uint8
``label``       (N,)                class, int64; −1 where the source knows none
``histogram``   (N, 2, H/4, W/4)    the true ab averaged over 4×4 pixels, sizes rounded up: what the
                                    global hints of Zhang 2017 (arXiv:1705.02999, 3.2) quantise
``saturation``  (N, 1)              mean HSV saturation in [0, 1] (same source)
``reference``   (N, 3, H, W)        the nearest other training photo in RGB, uint8
==============  ==================  ======================================================================

The nearest photo is found in lightness alone, since a photo to be colorized has nothing else: the cosine of
a 32×32 thumbnail without its mean, and of 4×4 cells of an 8-way histogram of gradient directions,
added with equal weight. A thumbnail compares the layout, the histogram the textures and edges.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.core.assemble import make
from zoo.core.color import ab_histogram, mean_saturation, split_lab
from zoo.core.registry import current
from zoo.core.registry_rows import OURS
from zoo.harness.data.bank import PhotoBank, centre

THUMBNAIL, CELLS, DIRECTIONS = 32, 4, 8
_CHUNK = 256


def nearest(queries: Tensor, references: Tensor, *, device: torch.device, others_only: bool = False) -> Tensor:
    """For each query the index of the nearest reference.

    Args:
        queries, references: uint8 (n, 3, S, S).
        others_only: both are the same photos, and none may be its own reference.

    Returns:
        int64 (n,) on ``device``.
    """
    known = torch.cat([features(part.to(device)) for part in references.split(_CHUNK)])
    found = []
    for number, part in enumerate(queries.split(_CHUNK)):
        likeness = features(part.to(device)) @ known.T
        if others_only and len(known) > 1:
            likeness.diagonal(offset=number * _CHUNK).fill_(-math.inf)
        found.append(likeness.argmax(1))
    return torch.cat(found)


def features(rgb: Tensor) -> Tensor:
    """uint8 (n, 3, S, S) → float32 (n, 1152); the dot product of two is the sum of both cosines."""
    lightness = split_lab(rgb)[0]
    small = F.interpolate(lightness, (THUMBNAIL, THUMBNAIL), mode="bilinear", antialias=True)
    layout = (small - small.mean((2, 3), keepdim=True)).flatten(1)
    return torch.cat((F.normalize(layout), F.normalize(_directions(small))), dim=1)


def _directions(small: Tensor) -> Tensor:
    """Gradient magnitude by direction and cell: (n, DIRECTIONS · CELLS²)."""
    padded = F.pad(small, (1, 1, 1, 1), mode="replicate")
    across = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]
    down = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
    turn = torch.atan2(down, across) / (2 * math.pi) + 0.5
    bins = (turn * DIRECTIONS).long().clamp_(0, DIRECTIONS - 1)
    weight = torch.hypot(across, down)
    planes = torch.zeros_like(weight).repeat(1, DIRECTIONS, 1, 1).scatter_(1, bins, weight)
    return F.avg_pool2d(planes, THUMBNAIL // CELLS).flatten(1)


class View(NamedTuple):
    """The photos of a batch: places in the bank (N,), uint8 rgb (N, 3, H, W), ab (N, 2, H, W)."""

    indices: Tensor
    rgb: Tensor
    ab: Tensor


class Given(NamedTuple):
    """What a provider may prepare itself from: the photos in use, and those for training."""

    photos: PhotoBank
    training: PhotoBank
    device: torch.device


Extra = Callable[[View], Tensor]


def truth_ab(given: Given) -> Extra:
    """The true ab."""
    return lambda view: view.ab


def rgb(given: Given) -> Extra:
    """The photo itself."""
    return lambda view: view.rgb


def label(given: Given) -> Extra:
    """The photo's class."""
    labels = torch.tensor(given.photos.labels or [-1] * len(given.photos), device=given.device)
    return lambda view: labels[view.indices]


def histogram(given: Given) -> Extra:
    """The mean ab of every 4×4 pixels."""
    return lambda view: ab_histogram(view.ab)


def saturation(given: Given) -> Extra:
    """The photo's mean saturation."""

    return lambda view: mean_saturation(view.rgb)


def reference(given: Given) -> Extra:
    """The nearest other training photo."""
    pixels = given.training.tensor()
    same = given.photos.fingerprint == given.training.fingerprint
    found = nearest(given.photos.tensor(), pixels, device=given.device, others_only=same)
    # Only the photos that are somebody's nearest need to lie on the device.
    used, whose = found.unique(return_inverse=True)
    chosen, whose = pixels[used.cpu()].to(given.device), whose.to(given.device)
    return lambda view: centre(chosen, whose[view.indices], view.rgb.shape[-1])


TRUTH: dict[str, str] = {
    "truth_ab": "the true colours",
    "rgb": "the photo itself",
    "histogram": "the true colours, averaged",
    "saturation": "the true saturation, averaged",
}
"""Our extras that hold what a colorizer is asked for; a row says so of a model that wants one."""


def tells_the_truth(names: Iterable[str]) -> bool:
    """Whether one of these extras is the whole answer: a model with it is a measuring stick, and not ranked."""
    return not {"truth_ab", "rgb"}.isdisjoint(names)


def told_of_the_truth(names: Iterable[str]) -> list[str]:
    """A note for a model with these extras: what it was told of the photos that it is scored on; empty for none.

    An extra of someone else's sees the photo, so it counts as well.
    """
    told = []
    for name in names:
        entry = current().entry("extras", name)
        if entry.distribution != OURS:
            told.append(f"what {entry.distribution} makes of them (extra {name})")
        elif name in TRUTH:
            told.append(f"{TRUTH[name]} (extra {name})")
    return [f"was told of the photos it is scored on: {', '.join(told)}"] if told else []


def open_extras(
    names: Iterable[str], photos: PhotoBank, *, training: PhotoBank, device: torch.device | str
) -> dict[str, Extra]:
    """Providers for the photos of one bank, prepared once.

    Args:
        photos: the bank the batches are cut from.
        training: the bank references are taken from.
        device: where the batches' tensors will be when providers see them (for
            ``evaluation_batches`` that is the CPU).

    Raises:
        UnknownName, BrokenPlugin: no such extra, or it cannot be imported.
    """
    given = Given(photos, training, torch.device(device))
    return {name: make("extras", name, given) for name in names}


def compute(extras: Mapping[str, Extra], view: View) -> dict[str, Tensor]:
    """Every extra of one batch."""
    return {name: extra(view) for name, extra in extras.items()}
