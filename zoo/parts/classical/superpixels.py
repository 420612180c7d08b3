"""A photo as superpixels: how each one looks, which ones touch, and where each one's middle is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
import torch

from zoo.parts.classical.local_features import daisy, deviation

ITERATIONS = 10
"""Of SLIC."""

WAVELENGTHS = tuple(3.0 * math.sqrt(2.0) ** k for k in range(5))
"""Pixels: 3 to 12, half an octave apart."""

DIRECTIONS = 8
"""Of the Gabor filters, for each wavelength."""

_BANDWIDTH = 0.5
"""Standard deviation of a filter's transfer function as a share of its frequency."""


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
        positions = np.indices((height, width)).astype(float)
        away = ((positions.reshape(2, -1) - self.mean(positions).T[:, flat]) ** 2).sum(0)
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


def slic(lightness: np.ndarray, *, area: float, compactness: float = 0.1) -> np.ndarray:
    """Which superpixel every pixel belongs to: SLIC (Achanta et al. 2012), on lightness alone.

    k-means over (lightness / compactness, position / spacing), started from a regular grid; as in the paper a
    pixel only looks at near centres, here those of the 3×3 grid cells around its own, and a centre never
    leaves that reach. Stray pixels are not joined to their surroundings afterwards.

    Args:
        lightness: (H, W) in [0, 1].
        area: pixels a superpixel has on average; spacing is its root.
        compactness: the difference in lightness that counts as much as one spacing.

    Returns:
        int64 (H, W), numbered from 0 without gaps.
    """
    height, width = lightness.shape
    rows, columns = (max(round(side / area**0.5), 1) for side in (height, width))
    y, x = np.mgrid[:height, :width]
    cell_y, cell_x = y * rows // height, x * columns // width
    steps = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    near = np.stack([_cell(cell_y + i, cell_x + j, rows, columns) for i, j in steps]).reshape(9, -1)
    spacing = (height * width / (rows * columns)) ** 0.5
    points = np.stack((lightness / compactness, y / spacing, x / spacing)).reshape(3, -1)
    labels = (cell_y * columns + cell_x).ravel()
    for _ in range(ITERATIONS):
        centres = means(points, labels, rows * columns)
        distance = ((points[:, None] - centres[:, near]) ** 2).sum(0)
        labels = np.take_along_axis(near, distance.argmin(0)[None], axis=0)[0]
    return np.unique(labels, return_inverse=True)[1].reshape(height, width)


def means(values: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """The mean of each superpixel: (C, P) by labels (P,) to (C, count); infinite for one without pixels."""
    size = np.bincount(labels, minlength=count)
    sums = np.stack([np.bincount(labels, weights=channel, minlength=count) for channel in values])
    return np.where(size > 0, sums / np.maximum(size, 1), np.inf)


def _cell(row: np.ndarray, column: np.ndarray, rows: int, columns: int) -> np.ndarray:
    return np.clip(row, 0, rows - 1) * columns + np.clip(column, 0, columns - 1)


def gabor_energy(lightness: np.ndarray) -> np.ndarray:
    """How strongly a photo waves around every pixel: 5 wavelengths × 8 directions of complex Gabor filters.

    The filters are Gaussians in the frequency domain, of unit gain; the photo is mirrored at its border.

    Args:
        lightness: (H, W).

    Returns:
        (40, H, W) float64.
    """
    height, width = lightness.shape
    margin = math.ceil(WAVELENGTHS[-1])
    spectrum = np.fft.fft2(np.pad(lightness - lightness.mean(), margin, mode="symmetric"))
    down = np.fft.fftfreq(spectrum.shape[0])[:, None]
    across = np.fft.fftfreq(spectrum.shape[1])
    energy = np.empty((len(WAVELENGTHS) * DIRECTIONS, height, width))
    for number in range(len(energy)):
        frequency = 1 / WAVELENGTHS[number // DIRECTIONS]
        turn = math.pi * (number % DIRECTIONS) / DIRECTIONS
        away = (down - frequency * math.sin(turn)) ** 2 + (across - frequency * math.cos(turn)) ** 2
        response = np.fft.ifft2(spectrum * np.exp(-away / (2 * (_BANDWIDTH * frequency) ** 2)))
        energy[number] = np.abs(response[margin : margin + height, margin : margin + width])
    return energy
