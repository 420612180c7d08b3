"""Photos grouped by likeness, with no group too small to learn from."""

from __future__ import annotations

import torch
from torch import Tensor

_ITERATIONS = 50
_SURPLUS = 4
"""How many times as many clusters k-means starts with as remain."""


def adaptive_clusters(vectors: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """``count`` clusters, the smallest merged away (Cheng et al. 2015, section 3.3).

    k-means finds more clusters than are wanted; then the smallest joins the one nearest to it until ``count``
    remain. Nothing is random: k-means starts from points that are far from each other.

    Args:
        vectors: (M, D), M ≥ 1.

    Returns:
        The centres (count, D), repeated where there are fewer vectors than clusters, and (M,) the cluster of
        each vector. On the CPU.
    """
    vectors = vectors.detach().cpu().double()
    centres, labels = k_means(vectors, min(_SURPLUS * count, len(vectors)))
    while len(centres) > count:
        sizes = torch.bincount(labels, minlength=len(centres))
        least = int(sizes.argmin())
        away = ((centres - centres[least]) ** 2).sum(1)
        away[least] = torch.inf
        labels = torch.where(labels == least, away.argmin(), labels)
        labels = labels - (labels > least).long()
        centres = _centres(vectors, labels, centres[torch.arange(len(centres)) != least])
    return centres[torch.arange(count) % len(centres)].float(), labels


def k_means(vectors: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Lloyd's algorithm from far-apart points: centres (count, D) and the cluster of each vector (M,)."""
    centres = _far_apart(vectors, count)
    labels = torch.cdist(vectors, centres).argmin(1)
    for _ in range(_ITERATIONS):
        centres = _centres(vectors, labels, centres)
        moved = torch.cdist(vectors, centres).argmin(1)
        if torch.equal(moved, labels):
            break
        labels = moved
    return centres, labels


def _far_apart(vectors: Tensor, count: int) -> Tensor:
    """The vector nearest the mean, then each time the one farthest from all that were taken."""
    taken = [int(((vectors - vectors.mean(0)) ** 2).sum(1).argmin())]
    away = ((vectors - vectors[taken[0]]) ** 2).sum(1)
    while len(taken) < count:
        taken.append(int(away.argmax()))
        away = torch.minimum(away, ((vectors - vectors[taken[-1]]) ** 2).sum(1))
    return vectors[taken]


def _centres(vectors: Tensor, labels: Tensor, before: Tensor) -> Tensor:
    """The mean of each cluster; one that lost all its vectors stays where it was."""
    sums = torch.zeros_like(before).index_add_(0, labels, vectors)
    sizes = torch.bincount(labels, minlength=len(before))[:, None]
    return torch.where(sizes > 0, sums / sizes.clamp_min(1), before)
