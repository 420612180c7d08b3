"""The training photo most like a grey one: the reference for colorizers that copy from a photo.

Likeness is seen in lightness alone, since a photo to be colorized has nothing else: the cosine of
a 32×32 thumbnail without its mean, and of 4×4 cells of an 8-way histogram of gradient directions,
added with equal weight. A thumbnail compares the layout, the histogram the textures and edges.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.core.color import split_lab

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
