"""Superpixels by simple linear iterative clustering (Achanta et al. 2012), on lightness alone."""

from __future__ import annotations

import numpy as np

ITERATIONS = 10


def slic(lightness: np.ndarray, *, area: float, compactness: float = 0.1) -> np.ndarray:
    """Which superpixel every pixel belongs to.

    k-means over (lightness / compactness, place / spacing), started from a regular grid; as in the paper a
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
