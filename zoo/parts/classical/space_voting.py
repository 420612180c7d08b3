"""Superpixels of one segment agree on their colour (Gupta et al. 2012, section 3.4)."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse
from scipy.cluster.vq import kmeans2
from scipy.sparse.csgraph import connected_components


def segments(intensity: np.ndarray, touching: sparse.csr_array, *, likeness: float) -> np.ndarray:
    """Touching superpixels of like lightness, joined: (S,) to segment numbers (S,)."""
    pairs = touching.tocoo()
    like = np.abs(intensity[pairs.row] - intensity[pairs.col]) < likeness
    joined = sparse.csr_array((pairs.data[like], (pairs.row[like], pairs.col[like])), shape=touching.shape)
    return connected_components(joined, directed=False)[1]


def vote(colours: np.ndarray, segment: np.ndarray) -> np.ndarray:
    """The larger of a segment's two kinds of colour outvotes the smaller.

    Args:
        colours: (S, 2), each superpixel's matched colour.
        segment: (S,).

    Returns:
        (S, 2): superpixels of the smaller cluster have the mean of the larger; the others keep theirs.
    """
    agreed = colours.copy()
    for number in range(segment.max() + 1):
        members = np.flatnonzero(segment == number)
        found = colours[members]
        if len(members) < 3 or np.ptp(found, axis=0).max() < 1e-6:
            continue
        cluster = _two_clusters(found)
        larger = cluster == (cluster.mean() > 0.5)
        agreed[members[~larger]] = found[larger].mean(0)
    return agreed


def _two_clusters(colours: np.ndarray) -> np.ndarray:
    """k-means with k = 2, started from the colour farthest from the mean and the one farthest from that."""
    one = colours[((colours - colours.mean(0)) ** 2).sum(1).argmax()]
    other = colours[((colours - one) ** 2).sum(1).argmax()]
    return kmeans2(colours, np.stack((one, other)), minit="matrix", missing="warn")[1]
