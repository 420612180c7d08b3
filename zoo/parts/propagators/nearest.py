"""Every pixel in the colour of its nearest hint: the Voronoi diagram, blind to the photo."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt
from torch import Tensor, nn

from zoo.parts.layers.each_photo import each_photo


class NearestPropagator(nn.Module):
    """condition (N, 4, H, W) to ab (N, 2, H, W) and confidence (N, 1, H, W). Any H, W ≥ 1.

    The nearest hint by Euclidean distance, in an exact transform (Maurer, Qi & Raghavan, IEEE PAMI 25, 2003,
    doi:10.1109/TPAMI.2003.1177156). Of equally near hints it is the leftmost, and of those in one column the topmost.
    Confidence is 1 / (1 + d), d in pixels. A photo without hints stays grey and has confidence 0.
    On the CPU, without a gradient: it has no parameters.
    """

    stride = 1
    on_host = True

    def forward(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        ab, confidence = each_photo(condition, nearest).split((2, 1), dim=1)
        return ab, confidence


def nearest(lightness: np.ndarray, colours: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(H, W), (H, W, C) and bool (H, W) to (H, W, C + 1): the nearest known colour, and how near it is."""
    if not known.any():
        return np.zeros((*known.shape, colours.shape[-1] + 1))
    distance, (row, column) = distance_transform_edt(~known, return_indices=True)
    return np.concatenate((colours[row, column], 1 / (1 + distance[..., None])), axis=-1)
