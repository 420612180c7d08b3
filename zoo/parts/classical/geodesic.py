"""The nearest sources of every pixel along paths over which the lightness changes little."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.csgraph import dijkstra

from zoo.parts.layers.affinity import NEIGHBOURS
from zoo.parts.layers.propagation import neighbours

NOWHERE = -1
"""The label where there is no source left."""


def steps(lightness: np.ndarray, *, pixel: float) -> np.ndarray:
    """How far each of a pixel's eight neighbours is: |Y(s) − Y(t)| + pixel · ‖s − t‖.

    Args:
        lightness: (H, W) in [0, 1].
        pixel: what a way of one pixel costs where the lightness does not change.

    Returns:
        (8, H, W), infinite outside the photo.
    """
    length = np.array([np.hypot(y, x) for y, x in NEIGHBOURS])[:, None, None]
    return np.nan_to_num(np.abs(neighbours(lightness) - lightness) + pixel * length, nan=np.inf)


def nearest_labels(steps: np.ndarray, labels: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The ``count`` nearest labels of every pixel and their geodesic distances, nearest first.

    One run of Dijkstra's algorithm a rank, exact. A pixel's k-th nearest label comes either from a neighbour's k-th, or
    from one of a neighbour's nearer labels that is none of the pixel's own nearer ones: were a neighbour's k-th among
    them, another of the neighbour's would be nearer still.

    Args:
        steps: (8, H, W) > 0, infinite where there is no way, the same both ways.
        labels: int (H, W): which source a pixel belongs to, :data:`NOWHERE` if to none.

    Returns:
        labels int and distances float64, (count, H, W) each; :data:`NOWHERE` and infinite where there are fewer.
    """
    height, width = labels.shape
    pixels = height * width
    graph = _graph(steps)
    around = neighbours(np.arange(pixels).reshape(height, width), outside=pixels).reshape(8, pixels)
    length = steps.reshape(8, pixels)
    found = np.full((count, pixels + 1), NOWHERE)
    distance = np.full((count, pixels + 1), np.inf)
    seed_label = labels.ravel()
    seed = np.where(seed_label != NOWHERE, 0.0, np.inf)
    for rank in range(count):
        if not np.isfinite(seed).any():
            break
        distance[rank, :-1], source = _shortest(graph, seed)
        found[rank, :-1] = np.where(source == NOWHERE, NOWHERE, seed_label[source])
        seed, seed_label = _seeds(found[: rank + 1], distance[: rank + 1], around, length)
    return found[:, :-1].reshape(count, height, width), distance[:, :-1].reshape(count, height, width)


def _seeds(found: np.ndarray, distance: np.ndarray, around: np.ndarray, length: np.ndarray) -> tuple:
    """Every pixel's shortest way of one step to a label of a neighbour that is none of its own yet."""
    own = found[:, :-1]
    best, label = np.full(own.shape[1], np.inf), np.full(own.shape[1], NOWHERE)
    for near, step in zip(around, length, strict=True):
        for nearer, so_far in zip(found, distance, strict=True):
            reach = so_far[near] + step
            better = (reach < best) & (own != nearer[near]).all(axis=0)
            best, label = np.where(better, reach, best), np.where(better, nearer[near], label)
    return best, label


def _graph(steps: np.ndarray) -> sparse.csr_array:
    _, height, width = steps.shape
    number = np.arange(height * width).reshape(height, width)
    to = neighbours(number, outside=NOWHERE)
    inside = (to >= 0) & np.isfinite(steps)
    rows = np.broadcast_to(number, to.shape)[inside]
    return sparse.csr_array((steps[inside], (rows, to[inside])), shape=(number.size, number.size))


def _shortest(graph: sparse.csr_array, seed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances (pixels,) from a node tied to every pixel by ``seed``, and the pixel by which each way begins."""
    pixels = len(seed)
    tied = np.flatnonzero(np.isfinite(seed))
    # all ways begin one longer, since a tie of no length would be no tie
    ties = sparse.csr_array((1 + seed[tied], (np.zeros(len(tied), int), tied)), shape=(1, pixels))
    whole = sparse.block_array([[graph, None], [ties, sparse.csr_array((1, 1))]], format="csr")
    distance, before = dijkstra(whole, indices=pixels, return_predecessors=True)
    first = before[:-1]
    source = np.where(first == pixels, np.arange(pixels), first)
    reached = first >= 0
    source[~reached] = 0
    while True:  # from each pixel to the one before, then to the one before that, doubling
        further = source[source]
        if (further[reached] == source[reached]).all():
            break
        source = np.where(reached, further, source)
    return distance[:-1] - 1, np.where(reached, source, NOWHERE)
