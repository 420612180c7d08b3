"""Chrominances blended by how near their hints are along paths of like lightness."""

from __future__ import annotations

import numpy as np
from torch import Tensor, nn

from zoo.core.errors import BadInput
from zoo.parts.classical.geodesic import NOWHERE, nearest_labels, steps
from zoo.parts.layers.each_photo import each_photo


class Yatziv2006(nn.Module):
    """condition (N, 4, H, W) to ab (N, 2, H, W). Any H, W ≥ 1.

    Yatziv, Sapiro: Fast Image and Video Colorization Using Chrominance Blending, IEEE Transactions on Image
    Processing 15(5), 2006, doi:10.1109/TIP.2005.864231. The distance of two pixels is the least change of lightness
    on a path between them, d(s, t) = min ∫ |∇Y · Ċ| dp; that to a chrominance c the least one to a pixel hinted with
    it. A pixel's colour is the mean of the chrominances weighted by W(d_c), W(r) = r^−b, 1 ≤ b ≤ 6. As in the
    paper's fast form, only the nearest few chrominances are blended.

    Ours: lightness is L*, not Y; a small cost of every pixel's way, without which all of a flat region
    would be equally near to all hints at its border; the nearest ``colours`` in place of a queue that is cut off;
    distances are exact (Dijkstra), where the paper's queue finds them approximately.

    Hinted pixels keep their colour; a photo without hints stays grey. On the CPU in float64, without a gradient:
    it has no parameters. The constants are the best of a few on training photos of the suite quick.

    Args:
        exponent: b.
        colours: how many chrominances are blended.
        pixel: what a way of one pixel costs, in lightness from 0 to 1.

    Raises:
        BadInput: an exponent outside [1, 6], colours below 1, or a pixel that is not above 0.
    """

    stride = 1
    on_host = True

    def __init__(self, *, exponent: float = 2.0, colours: int = 3, pixel: float = 0.005):
        super().__init__()
        if not 1 <= exponent <= 6:
            raise BadInput(f"yatziv2006: exponent={exponent} is not in [1, 6]; give one, such as 2.")
        if colours < 1:
            raise BadInput(f"yatziv2006: colours={colours} blend nothing; give 1 or more, such as 3.")
        if not 0 < pixel < np.inf:
            raise BadInput(f"yatziv2006: pixel={pixel} must be above 0, such as 0.005.")
        self.exponent, self.colours, self.pixel = exponent, colours, pixel

    def forward(self, condition: Tensor) -> Tensor:
        return each_photo(condition, self.blend)

    def blend(self, lightness: np.ndarray, colours: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Lightness (H, W) in [0, 1], colours (H, W, C) read where ``known`` (H, W), to (H, W, C)."""
        blended = np.where(known[..., None], colours, 0.0)
        if not known.any() or known.all():
            return blended
        labels = np.full(known.shape, NOWHERE)
        chrominance, inverse = np.unique(colours[known], axis=0, return_inverse=True)
        labels[known] = inverse.ravel()
        near, distance = nearest_labels(steps(lightness, pixel=self.pixel), labels, min(self.colours, len(chrominance)))
        free = ~known
        near, distance = near[:, free], distance[:, free]
        # by the ratio to the nearest one, whose power neither overflows nor vanishes
        weight = (distance[0] / distance) ** self.exponent
        blended[free] = np.einsum("kp,kpc->pc", weight / weight.sum(axis=0), chrominance[near])
        return blended
