"""Colour carried over from the superpixels of a reference photo, then spread by Levin's optimisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import scipy.sparse as sparse
import torch
from scipy.cluster.vq import kmeans2
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist
from torch import Tensor, nn

from zoo.core.color import split_lab
from zoo.core.errors import BadInput
from zoo.parts.classical.superpixels import Superpixels, describe
from zoo.parts.layers.propagation import affinity, propagate


class Gupta2012(nn.Module):
    """condition (N, 4, H, W) and a reference photo to ab (N, 2, H, W). Any H, W ≥ 1.

    Gupta, Chia, Rajan, Ng, Huang: Image Colorization Using Similar Images, ACM Multimedia 2012. Superpixels of
    both photos are matched by a cascade of features, the superpixels of a segment vote on their colours, and
    each gives its colour to its middle pixel, a micro-scribble, from where Levin's solve spreads it.

    No public code. Ours are: SLIC for TurboPixels, DAISY for dense SURF, joined superpixels of like lightness
    for mean-shift segments, the wavelengths of the 40 Gabor filters, and the order of the cascade from texture
    to lightness. Computed on the CPU, without a gradient; it has no parameters.

    It reads the extra ``reference``, uint8 (N, 3, h, w).

    Args:
        area: pixels a superpixel has on average.
        likeness: difference in mean lightness, of 1, below which touching superpixels are one segment.
        hints: whether the user's hints join the micro-scribbles, and win over them; the paper has none.

    Raises:
        BadInput: an area below 1.
    """

    stride = 1
    on_host = True
    extras = ("reference",)

    def __init__(self, *, area: float = 40.0, likeness: float = 0.05, hints: bool = False):
        super().__init__()
        if area < 1:
            raise BadInput(f"gupta2012: area={area} is below one pixel; give the pixels of a superpixel, such as 40.")
        self.area, self.likeness, self.reads_hints = area, likeness, hints

    @torch.no_grad()
    def forward(self, condition: Tensor, extras: Mapping[str, Tensor]) -> Tensor:
        photos = condition.detach().cpu().double().numpy()
        lightness, colours = (part.cpu().double().numpy() for part in split_lab(extras["reference"]))
        solved = [self._colorize(*photo) for photo in zip(photos, (lightness[:, 0] + 1) / 2, colours, strict=True)]
        return torch.from_numpy(np.stack(solved)).permute(0, 3, 1, 2).float().contiguous().to(condition.device)

    def _colorize(self, photo: np.ndarray, reference: np.ndarray, colours: np.ndarray) -> np.ndarray:
        """One photo (4, H, W) by a reference (h, w) and its ab (2, h, w): ab (H, W, 2)."""
        lightness = (photo[0] + 1) / 2
        target, source = describe(lightness, area=self.area), describe(reference, area=self.area)
        matched = source.mean(colours)[match(target, source)]
        segment = segments(target.intensity[:, 0], target.touching, likeness=self.likeness)
        scribbles, known = np.zeros((*lightness.shape, 2)), np.zeros(lightness.shape, bool)
        middles = target.middles()
        scribbles.reshape(-1, 2)[middles] = vote(matched, segment)
        known.reshape(-1)[middles] = True
        if self.reads_hints:
            hinted = photo[3] > 0.5
            scribbles[hinted] = photo[1:3, hinted].T
            known |= hinted
        return propagate(affinity(lightness), scribbles, known)


def match(target: Superpixels, reference: Superpixels) -> np.ndarray:
    """Of every superpixel of the target its counterpart in the reference: int64 (T,)."""
    return cascade(
        [
            (target.gabor, reference.gabor),
            (target.gradients, reference.gradients),
            (target.deviation, reference.deviation),
            (target.intensity, reference.intensity),
        ]
    )


def cascade(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Each superpixel's counterpart, the candidates narrowed by one kind of feature after another (section 3.3).

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


def segments(intensity: np.ndarray, touching: sparse.csr_array, *, likeness: float) -> np.ndarray:
    """Touching superpixels of like lightness, joined: (S,) to segment numbers (S,)."""
    pairs = touching.tocoo()
    like = np.abs(intensity[pairs.row] - intensity[pairs.col]) < likeness
    joined = sparse.csr_array((pairs.data[like], (pairs.row[like], pairs.col[like])), shape=touching.shape)
    return connected_components(joined, directed=False)[1]


def vote(colours: np.ndarray, segment: np.ndarray) -> np.ndarray:
    """The larger of a segment's two kinds of colour outvotes the smaller (section 3.4).

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
