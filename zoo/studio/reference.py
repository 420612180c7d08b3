"""Another photo's colours: as what a network asks for, as a histogram to be met, or as hints where both look alike.

``global``
    What the model names as its extras is read from the reference: ``reference`` itself (welsh2002, gupta2012), or the
    ``histogram`` and ``saturation`` of Zhang et al. 2017 (arXiv:1705.02999, section 3.2).
``histogram``
    The colours that come out are moved until they are distributed as the reference's: the iterative transfer of
    Pitié, Kokaram, Dahyot 2005 (doi:10.1109/ICCV.2005.166), in the plane of ab.
``hints``
    Patches of the photo are matched with the reference's by lightness and texture, after Welsh et al. 2002
    (doi:10.1145/566654.566576), and those whose nearest matches agree on a colour become hints.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from scipy import ndimage
from scipy.spatial import cKDTree
from torch import Tensor

from zoo.core.color import AB_SCALE, ab_histogram, mean_saturation, split_lab
from zoo.core.errors import BadInput

_TURNS = (*range(0, 90, 10), *range(0, 90, 15), 0)
"""Degrees. At each, both axes of ab so turned are matched; the last are a and b themselves."""

_QUANTILES = np.linspace(0, 1, 257)


def use_of(extras: Sequence[str], *, reads_hints: bool) -> str:
    """What a model does best with a reference: ``global`` if it asks for one, ``hints`` if it reads them."""
    if extras:
        return "global"
    return "hints" if reads_hints else "histogram"


def extras_of(rgb: Tensor, wanted: Sequence[str], name: str) -> Mapping[str, Tensor]:
    """What a model asks for, read from a reference, uint8 (1, 3, h, w).

    Raises:
        BadInput: it asks for nothing, or for what no reference has.
    """
    found = {"reference": rgb, "histogram": ab_histogram(split_lab(rgb)[1]), "saturation": mean_saturation(rgb)}
    if not wanted or not set(wanted) <= set(found):
        asks = f"asks for {', '.join(wanted)}" if wanted else "takes no reference"
        raise BadInput(f"{name} {asks}; choose another --reference-use (histogram, hints), or another model.")
    return {each: found[each] for each in wanted}


def matched_histogram(ab: Tensor, reference: Tensor) -> Tensor:
    """ab (1, 2, h, w) moved to the distribution of the reference's (1, 2, H, W); colourless ab stays as it is."""
    moved, wanted = (each[0].flatten(1).double().cpu().numpy() for each in (ab, reference))
    if np.ptp(moved, axis=1).max() < 1e-3:
        return ab
    for turn in np.radians(_TURNS):
        axes = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
        pairs = zip(axes @ moved, axes @ wanted, strict=True)
        moved = axes.T @ [
            np.interp(along, *(np.quantile(each, _QUANTILES) for each in (along, to))) for along, to in pairs
        ]
    return torch.from_numpy(moved).to(ab).view_as(ab)


_SPACING = 8
"""Pixels between the patches of the photo; the reference has four times as many."""

_WINDOWS = (3, 9, 25)
"""Sides over which lightness is averaged and its deviation taken, in pixels."""

_VOTERS, _AGREED, _NEAR = 8, 8.0, 0.35
"""A match counts if its 8 nearest patches lie within 8 Lab units of their middle colour, root mean square, and are no
farther than 0.35 of the photo's own deviation in each of the features, on average."""


def matched_hints(lightness: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
    """Hints for a photo from a reference.

    Args:
        lightness: (1, 1, h, w) in -1…1.
        reference: uint8 (1, 3, H, W).

    Returns:
        ab (1, 2, h, w) and mask (1, 1, h, w): single pixels, where the matches are trusted.
    """
    target = lightness[0, 0].double().cpu().numpy()
    known, colours = (each[0].double().cpu().numpy() for each in split_lab(reference))
    # Welsh's remapping: the reference's lightness gets the photo's mean and deviation.
    known = (known[0] - known.mean()) * (target.std() / max(known.std(), 1e-6)) + target.mean()
    (wanted, rows, columns), (given, there_y, there_x) = _patches(target, _SPACING), _patches(known, _SPACING // 2)
    scale = wanted.std(axis=0) + 1e-6
    distance, nearest = cKDTree(given / scale).query(wanted / scale, k=min(_VOTERS, len(given)))
    distance, nearest = distance.reshape(len(wanted), -1), nearest.reshape(len(wanted), -1)
    votes = colours[:, there_y, there_x][:, nearest] * AB_SCALE
    colour = np.median(votes, axis=2)
    apart = np.sqrt(((votes - colour[:, :, None]) ** 2).sum(0).mean(1))
    trusted = (apart < _AGREED) & (distance.mean(1) < _NEAR * wanted.shape[1] ** 0.5)
    ab, mask = np.zeros((2, *target.shape), np.float32), np.zeros(target.shape, np.float32)
    ab[:, rows[trusted], columns[trusted]] = colour[:, trusted] / AB_SCALE
    mask[rows[trusted], columns[trusted]] = 1
    return torch.from_numpy(ab)[None], torch.from_numpy(mask)[None, None]


def _patches(lightness: np.ndarray, spacing: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features (P, 2 · windows) of patches on a grid, and their middles' rows and columns."""
    maps = []
    for side in _WINDOWS:
        mean = ndimage.uniform_filter(lightness, side, mode="reflect")
        square = ndimage.uniform_filter(lightness**2, side, mode="reflect")
        maps += [mean, np.sqrt(np.maximum(square - mean**2, 0))]
    rows, columns = (np.arange(min(spacing // 2, side - 1), side, spacing) for side in lightness.shape)
    y, x = (each.ravel() for each in np.meshgrid(rows, columns, indexing="ij"))
    return np.stack(maps)[:, y, x].T, y, x
