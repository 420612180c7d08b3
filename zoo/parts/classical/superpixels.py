"""A photo as superpixels: how each one looks, which ones touch, and where each one's middle is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
import torch

from zoo.parts.classical.daisy import daisy
from zoo.parts.classical.gabor import gabor_energy
from zoo.parts.classical.local_statistics import deviation
from zoo.parts.classical.slic import means, slic


@dataclass(frozen=True)
class Superpixels:
    """S superpixels of one photo (H, W).

    ``labels`` is int64 (H, W). ``gabor`` (S, 40), ``gradients`` (S, 136), ``deviation`` (S, 2) and
    ``intensity`` (S, 2) are means over the superpixel; the last two hold its own value and the mean of the
    superpixels that touch it. ``touching`` (S, S) is a symmetric sparse matrix without a diagonal.
    """

    labels: np.ndarray
    gabor: np.ndarray
    gradients: np.ndarray
    deviation: np.ndarray
    intensity: np.ndarray
    touching: sparse.csr_array

    def mean(self, maps: np.ndarray) -> np.ndarray:
        """(C, H, W) to the mean of each superpixel, (S, C)."""
        return _mean(maps, self.labels)

    def middles(self) -> np.ndarray:
        """Of each superpixel the pixel nearest its centroid, row-major: int64 (S,)."""
        height, width = self.labels.shape
        flat = self.labels.ravel()
        places = np.indices((height, width)).astype(float)
        away = ((places.reshape(2, -1) - self.mean(places).T[:, flat]) ** 2).sum(0)
        order = np.lexsort((away, flat))
        return order[np.unique(flat[order], return_index=True)[1]]


def describe(lightness: np.ndarray, *, area: float) -> Superpixels:
    """Cut a photo into superpixels and describe them (Gupta et al. 2012, section 3.2).

    Args:
        lightness: (H, W) float64 in [0, 1].
        area: pixels a superpixel has on average.
    """
    labels = slic(lightness, area=area)
    touching = _touching(labels)
    photo = torch.from_numpy(lightness)[None, None].float()
    gradients = daisy(photo, radius=8, rings=2, histograms=8)
    spread = deviation(photo)[0].double().numpy()
    return Superpixels(
        labels=labels,
        gabor=_mean(gabor_energy(lightness), labels),
        gradients=_mean(gradients[0].double().numpy(), labels),
        deviation=_with_surroundings(_mean(spread, labels), touching),
        intensity=_with_surroundings(_mean(lightness[None], labels), touching),
        touching=touching,
    )


def _mean(maps: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return means(maps.reshape(len(maps), -1), labels.ravel(), labels.max() + 1).T


def _touching(labels: np.ndarray) -> sparse.csr_array:
    pairs = np.concatenate(
        [
            np.stack((labels[:, :-1].ravel(), labels[:, 1:].ravel())),
            np.stack((labels[:-1].ravel(), labels[1:].ravel())),
        ],
        axis=1,
    )
    pairs = np.unique(np.concatenate((pairs, pairs[::-1]), axis=1)[:, np.tile(pairs[0] != pairs[1], 2)], axis=1)
    count = labels.max() + 1
    return sparse.csr_array((np.ones(pairs.shape[1]), (pairs[0], pairs[1])), shape=(count, count))


def _with_surroundings(own: np.ndarray, touching: sparse.csr_array) -> np.ndarray:
    """(S, 1) to (S, 2): beside each superpixel's own value the mean of those it touches."""
    count = touching.sum(1)[:, None]
    around = np.where(count > 0, touching @ own / np.maximum(count, 1), own)
    return np.concatenate((own, around), axis=1)
