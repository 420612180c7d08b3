"""Why no colour came out, in one sentence with its mend."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from zoo.core.color import AB_SCALE
from zoo.core.colorizer import Colorizer
from zoo.core.origin import Origin
from zoo.core.spec import SHIPPED
from zoo.studio.device import device_of

NO_COLOUR, ONE_TINT = "no colour", "one tint"

GREY_BELOW = 3.0
"""A result of less chroma on average, in Lab units, is grey to the eye (a just noticeable difference is about 2.3)."""

TINT_BELOW = 6.0
ONE_HUE = 0.97
"""A result whose ab scatters less than ``TINT_BELOW`` about its mean, and whose hues agree better than ``ONE_HUE`` (the
length of their mean direction, weighted by chroma), has one tint. Of the 325 embedded photos one has; a network after
180 steps gives every photo a brown that scatters by 4 to 5, with a direction of 0.98 to 1."""

FEW_STEPS = 20_000
"""Published colorizers are trained for some hundred thousand."""


def lack_of_colour(ab: Tensor) -> str:
    """What is wrong with a prediction's colour: :data:`NO_COLOUR`, :data:`ONE_TINT`, or an empty text.

    Args:
        ab: (1, 2, H, W), divided by 110.
    """
    a, b = (AB_SCALE * ab[0].flatten(1).double()).cpu()
    chroma = torch.hypot(a, b)
    if chroma.mean() < GREY_BELOW:
        return NO_COLOUR
    scatter = math.sqrt(float(a.var(correction=0) + b.var(correction=0)))
    direction = math.hypot(float(a.sum()), float(b.sum())) / float(chroma.sum())
    return ONE_TINT if scatter < TINT_BELOW and direction > ONE_HUE else ""


def why(model: Colorizer, origin: Origin, lacks: str, *, hinted: bool) -> str:
    """The cause and what to do: the end of a sentence that says that no colour came out.

    Args:
        lacks: what :func:`lack_of_colour` said.
    """
    name = origin.name
    known = "give some known colours (--hints FILE)"
    if origin.suite == SHIPPED:
        mend = "take better eyes (--with zhang2017 --weights published)"
        return (
            "the colorizer that comes with the zoo has seen few photos, and leaves grey what may have any colour; "
            f"{mend if hinted else f'{known}, or {mend}'}"
        )
    if origin.steps != 0:
        mend = "choose another model" if hinted else f"{known}, or choose another model"
        if origin.steps is None or origin.steps >= FEW_STEPS:
            return f"{name} found none in it; {mend}"
        suite = f" (suite {origin.suite})" if origin.suite else ""
        return (
            f"{name} was trained for {origin.steps} steps{suite}, too few to learn what has which colour; {mend}, "
            f"or train it longer (zoo train {name} --budget steps=100000)"
        )
    if reads_hints(model):
        if hinted:
            given = "grey; paint stronger ones" if lacks == NO_COLOUR else "of one colour; paint others too"
            return f"{name} only spreads the colours of the hints, and these are {given}"
        return f"{name} only spreads the colours of hints, and there are none; {known}"
    if model.state_dict() and not origin.run:
        return (
            f"{name} by name has seen no photo; train it (zoo train {name} --suite quick), then give the run's folder"
        )
    return f"{name} gives every photo the same, whatever is in it; choose another model"


@torch.no_grad()
def reads_hints(model: Colorizer) -> bool:
    """Whether one hint on a grey patch gives any colour."""
    condition = torch.zeros(1, 4, 16, 16, device=device_of(model))
    condition[0, 1:, 8, 8] = 1
    return bool(model(condition)["ab"].abs().max() > 0)
