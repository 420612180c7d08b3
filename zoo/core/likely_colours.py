"""Colours that a pixel may well have, from what a prediction says of it.

Zhang et al. 2017 (arXiv:1705.02999), section 3.3. Everything here is in Lab units (a*, b*).
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor

from zoo.core.color import AB_SCALE, join_lab, rgb_to_lab, to_uint8
from zoo.core.contracts import Prediction

SAMPLES = 25_000
"""Drawn from a pixel's distribution for its suggestions."""

SOFTNESS = 0.2
"""S: the logits of classes are multiplied with it; below 1 the suggestions become more varied."""

DISPLAYABLE = 10.0
"""Lab units, the spacing of Zhang's bins. A colour that sRGB, at the pixel's lightness, misses by more is none."""

_ROUNDS = 50
"""Of k-means over the samples, at most."""


def distribution_at(
    prediction: Prediction, pixel: tuple[int, int], size: tuple[int, int], lightness: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """What the prediction says of one pixel, softened; None where it names one colour only.

    A distribution is what has ``logits`` (1, Q, h, w) over ``bins`` (Q, 2), or ``mixture_logits`` (1, M, h, w) over
    ``mixture_means`` (1, M, 2, h, w), whose components are taken for their means.

    Args:
        prediction: for one photo.
        pixel: row and column in the photo as the network saw it.
        size: that photo's height and width.
        lightness: of the pixel, L*/50 − 1: colours that sRGB does not have with it are left out.

    Returns:
        probability (n,), of any sum above 0, and colours (n, 2).
    """
    if "logits" in prediction and "bins" in prediction:
        logits, colours = prediction["logits"], prediction["bins"]
        score = SOFTNESS * _at(logits, pixel, size)
    elif "mixture_means" in prediction and prediction["mixture_means"].ndim == 5:
        means = prediction["mixture_means"]
        score = _at(prediction["mixture_logits"], pixel, size)
        colours = AB_SCALE * _at(means.flatten(1, 2), pixel, size).unflatten(0, (-1, 2))
    else:
        return None
    probability, colours = torch.softmax(score.double(), dim=0).cpu(), colours.double().cpu()
    meant = torch.cat((torch.full_like(colours[:, :1], 50 * (lightness + 1)), colours), dim=1)
    missed = (rgb_to_lab(displayed(colours, lightness)).flatten(1) - meant).norm(dim=1)
    kept = missed <= max(DISPLAYABLE, float(missed.min()))
    return probability[kept].numpy(), colours[kept].numpy()


def displayed(colours: Tensor, lightness: float) -> Tensor:
    """The colours (n, 2) as sRGB has them at a lightness L*/50 − 1: uint8 (n, 3, 1, 1)."""
    ab = (colours.float() / AB_SCALE).reshape(-1, 2, 1, 1)
    return to_uint8(join_lab(torch.full_like(ab[:, :1], lightness), ab))


def likely_colours(
    probability: np.ndarray, colours: np.ndarray, k: int, rng: np.random.Generator, *, samples: int = SAMPLES
) -> tuple[np.ndarray, np.ndarray]:
    """The centres of k clusters of colours drawn from a distribution, the most occupied first.

    Source: Zhang et al. 2017 (arXiv:1705.02999, section 3.3): 25,000 samples, k-means.

    Args:
        probability: (Q,), of any sum above 0.
        colours: (Q, 2).
        k: how many; fewer come back where fewer colours are drawn.
        rng: what the samples are drawn from.

    Returns:
        colours (k, 2) and the share of the samples that each stands for (k,).
    """
    p = probability.astype(np.float64)
    counts = rng.multinomial(samples, p / p.sum())
    drawn, counts = colours[counts > 0].astype(np.float64), counts[counts > 0]
    starts = _spread_out(drawn, counts, min(k, len(drawn)))
    centres, nearest = kmeans2(np.repeat(drawn, counts, axis=0), starts, iter=_ROUNDS, minit="matrix")
    occupancy = np.bincount(nearest, minlength=len(centres))
    order = np.argsort(-occupancy, kind="stable")
    return centres[order], occupancy[order] / samples


def _at(maps: Tensor, pixel: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """(1, C, h, w), maybe smaller than the photo → (C,) at its pixel."""
    row, column = (place * side // full for place, side, full in zip(pixel, maps.shape[-2:], size, strict=True))
    return maps[0, :, row, column]


def _spread_out(points: np.ndarray, counts: np.ndarray, k: int) -> np.ndarray:
    """Starting centres: the commonest point, then what has the most squared distance to the chosen, if any has."""
    chosen = [int(np.argmax(counts))]
    while len(chosen) < k:
        distance = np.square(points[:, None] - points[chosen]).sum(-1).min(axis=1)
        if not distance.any():
            break
        chosen.append(int(np.argmax(counts * distance)))
    return points[chosen]
