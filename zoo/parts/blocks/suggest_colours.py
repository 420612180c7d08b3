"""A handful of colours a pixel may well have, for a user to choose from."""

from __future__ import annotations

import numpy as np
from scipy.cluster.vq import kmeans2

SAMPLES = 25_000
_ROUNDS = 50


def suggest_colours(
    probability: np.ndarray, bins: np.ndarray, k: int, rng: np.random.Generator, *, samples: int = SAMPLES
) -> tuple[np.ndarray, np.ndarray]:
    """The centres of k clusters of colours drawn from a distribution, the most occupied first.

    Source: Zhang et al. 2017 (arXiv:1705.02999, section 3.3): 25,000 samples, k-means.

    Args:
        probability: (Q,), of any sum above 0.
        bins: (Q, 2), in Lab units.
        k: how many; fewer come back where fewer colours are drawn.
        rng: what the samples are drawn from.

    Returns:
        colours (k, 2) in Lab units and the share of the samples that each stands for (k,).
    """
    p = probability.astype(np.float64)
    counts = rng.multinomial(samples, p / p.sum())
    drawn, counts = bins[counts > 0].astype(np.float64), counts[counts > 0]
    starts = _spread_out(drawn, counts, min(k, len(drawn)))
    centres, nearest = kmeans2(np.repeat(drawn, counts, axis=0), starts, iter=_ROUNDS, minit="matrix")
    occupancy = np.bincount(nearest, minlength=len(centres))
    order = np.argsort(-occupancy, kind="stable")
    return centres[order], occupancy[order] / samples


def _spread_out(points: np.ndarray, counts: np.ndarray, k: int) -> np.ndarray:
    """Starting centres: the commonest point, then each time the one with the most squared distance to the chosen."""
    chosen = [int(np.argmax(counts))]
    while len(chosen) < k:
        distance = np.square(points[:, None] - points[chosen]).sum(-1).min(axis=1)
        chosen.append(int(np.argmax(counts * distance)))
    return points[chosen]
