"""Each superpixel's counterpart in the reference, by one kind of feature after another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial.distance import cdist


def cascade(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Narrow the candidates step by step (Gupta et al. 2012, section 3.3).

    Every feature keeps the nearer half of the candidates that the ones before it left, and the last one takes
    the nearest of all: far cheaper to get right than weights between features of different units.

    Args:
        pairs: for each feature, in order, the target's (T, F) and the reference's (R, F) vectors.

    Returns:
        int64 (T,): indices into the reference.
    """
    targets, references = len(pairs[0][0]), len(pairs[0][1])
    candidates = np.broadcast_to(np.arange(references), (targets, references))
    for wanted, known in pairs[:-1]:
        keep = max(candidates.shape[1] // 2, 1)
        distance = np.take_along_axis(cdist(wanted, known), candidates, axis=1)
        nearer = np.argsort(distance, axis=1, kind="stable")[:, :keep]
        candidates = np.take_along_axis(candidates, nearer, axis=1)
    distance = np.take_along_axis(cdist(*pairs[-1]), candidates, axis=1)
    return np.take_along_axis(candidates, distance.argmin(1)[:, None], axis=1)[:, 0]
