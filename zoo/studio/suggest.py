"""Likely colours of one place in a photo: for whoever colours it by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import torch
from torch import Tensor

from zoo.core.color import AB_SCALE
from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput
from zoo.core.likely_colours import displayed, distribution_at, likely_colours
from zoo.studio.colorize import as_colorizer, evaluated, wants_a_photo_alone
from zoo.studio.condition import condition_of
from zoo.studio.hint_file import read_hints
from zoo.studio.hint_picture import Hints
from zoo.studio.manner import Manner
from zoo.studio.photo import as_rgb

COUNT = 5
DRAWS = 16
"""Of a model that has several answers and says no distribution."""

APART = 8.0
"""Lab units; of two suggestions that are nearer, the likelier one stands for both."""

NEAR = 0.08
"""Of the photo's longer side: the width of the Gaussian by which places around count."""

ALIKE = 10.0
"""The same for their lightness, in units of L*."""

_AROUND = 2_000
"""Places around, at most."""

Source = Literal["distribution", "answers", "around"]


class Suggestion(msgspec.Struct, frozen=True):
    """A colour, as it looks with the photo's lightness there, and how likely it is, of 1.

    Attributes:
        color: ``#rrggbb``.
        a, b: in Lab units; what sRGB lacks at this lightness is not in ``color``.
    """

    color: str
    share: float
    a: float
    b: float


class Suggestions(msgspec.Struct, frozen=True):
    """The likeliest first.

    Attributes:
        source: ``distribution``: the model's own for that pixel; ``answers``: draws of a model that has several;
            ``around``: a model with one answer, its colours near that place where the photo is as light.
    """

    suggested: tuple[Suggestion, ...]
    source: Source


def suggest(
    model: Colorizer | str | Path,
    image: Any,
    x: float,
    y: float,
    *,
    hints: Hints | str | Path | None = None,
    size: int | None = None,
    count: int = COUNT,
) -> Suggestions:
    """Colours that a place of a photo may well have.

    Source: Zhang et al. 2017 (arXiv:1705.02999, section 3.3), for models with a distribution.

    Args:
        model, image, hints, size: as for :func:`zoo.colorize`.
        x, y: the place, in pixels of the upright photo from its left and its top.
        count: how many at most; fewer come back where fewer differ.

    Raises:
        BadInput: a place outside of the photo, a count below 1, or as :func:`zoo.colorize`.
    """
    colorizer, rgb = as_colorizer(model), as_rgb(image)
    height, width = rgb.shape[:2]
    if not (-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5):
        raise BadInput(
            f"x={x:g}, y={y:g} is outside of the photo of {width}×{height} pixels; "
            f"give x from 0 to {width - 1} and y from 0 to {height - 1}."
        )
    if count < 1:
        raise BadInput(f"{count} colours are asked for; give 1 or more.")
    wants_a_photo_alone(colorizer)
    given = read_hints(Path(hints), rgb).hints if isinstance(hints, str | Path) else hints
    condition = condition_of(rgb, given, Manner(size=size).side(colorizer.works_at))
    tall, wide = condition.shape[-2:]
    pixel = (min(int((y + 0.5) * tall / height), tall - 1), min(int((x + 0.5) * wide / width), wide - 1))
    probability, colours, source = _distribution(colorizer, condition, pixel)
    found = likely_colours(probability, colours, count, np.random.default_rng(0))
    return Suggestions(_shown(*found, float(condition[0, 0, pixel[0], pixel[1]])), source)


def _distribution(model: Colorizer, condition: Tensor, pixel: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, Source]:
    """Probability (n,) and colours (n, 2) in Lab units."""
    row, column = pixel
    lightness = condition[0, 0]
    with evaluated(model) as device:
        asked = condition.to(device)
        prediction = model(asked)
        seen = tuple(model.prepared(asked).shape[-2:])
        stated = distribution_at(prediction, pixel, (seen[0], seen[1]), float(lightness[row, column]))
        if stated is not None:
            return *stated, "distribution"
        if model.can_sample:
            drawn = model.sample(asked, DRAWS, torch.Generator().manual_seed(0))[0, :, :, row, column]
            return np.ones(DRAWS), AB_SCALE * drawn.double().cpu().numpy(), "answers"
    ab = prediction["ab"][0].double().cpu()
    rows, columns = torch.meshgrid(*(torch.arange(side) for side in lightness.shape), indexing="ij")
    reach = NEAR * max(lightness.shape)
    exponent = ((rows - row) ** 2 + (columns - column) ** 2) / reach**2
    exponent = exponent + (50 * (lightness - lightness[row, column]) / ALIKE) ** 2
    nearest = exponent.flatten().argsort(stable=True)[:_AROUND]
    weights = torch.exp(-exponent.flatten()[nearest].double() / 2)
    return weights.numpy(), AB_SCALE * ab.flatten(1)[:, nearest].T.numpy(), "around"


def _shown(colours: np.ndarray, shares: np.ndarray, lightness: float) -> tuple[Suggestion, ...]:
    """The suggestions, those that look alike as one."""
    kept: list[int] = []
    total = np.zeros(len(shares))
    for place, colour in enumerate(colours):
        like = next((other for other in kept if np.hypot(*(colours[other] - colour)) < APART), None)
        total[place if like is None else like] += shares[place]
        if like is None:
            kept.append(place)
    shown = displayed(torch.from_numpy(colours), lightness).flatten(1).numpy()
    each = (
        Suggestion("#" + shown[n].tobytes().hex(), round(float(total[n]), 4), *np.round(colours[n], 2).tolist())
        for n in sorted(kept, key=lambda n: -total[n])
    )
    return tuple(each)
