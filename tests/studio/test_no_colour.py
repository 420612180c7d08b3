"""That no colour came out is seen, and its cause is told."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from zoo.core.color import split_lab
from zoo.core.colorizer import Colorizer
from zoo.core.origin import Origin, origin_of
from zoo.core.resolve import build
from zoo.core.trained import load
from zoo.studio.no_colour import NO_COLOUR, ONE_TINT, lack_of_colour, why


def ab_of(rgb: np.ndarray) -> torch.Tensor:
    return split_lab(torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None])[1]


def test_real_photos_have_colours_their_grey_and_brown_prints_have_not(photos):
    for photo in photos:
        assert lack_of_colour(ab_of(photo)) == ""
        grey = np.asarray(Image.fromarray(photo).convert("L").convert("RGB"))
        assert lack_of_colour(ab_of(grey)) == "no colour"
        brown = torch.tensor([8.0, 14.0]).view(1, 2, 1, 1) / 110 + 0.02 * ab_of(photo)
        assert lack_of_colour(brown) == "one tint"


def test_a_little_colour_in_one_place_is_colour_where_it_shows():
    ab = torch.zeros(1, 2, 100, 100)
    ab[0, 0, :50, :50] = 40 / 110
    assert lack_of_colour(ab) == ""


@pytest.mark.parametrize(
    ("model", "origin", "hinted", "told"),
    [
        ("levin2004", Origin(name="levin2004", identity=""), False, "only spreads the colours of hints.*--hints"),
        ("huang2005", Origin(name="huang2005", identity=""), True, "these are grey"),
        ("mean_ab", Origin(name="mean_ab", identity=""), False, "has seen no photo.*zoo train mean_ab"),
        ("mean_ab", Origin(name="mean_ab", identity="", run=True), False, "gives every photo the same"),
        ("gray", Origin(name="gray", identity=""), True, "gives every photo the same.*another model"),
    ],
)
def test_a_model_without_training_says_what_it_lacks(model, origin, hinted, told):
    assert re.search(told, why(build(model), origin, NO_COLOUR, hinted=hinted))


def test_a_trained_model_says_how_little_it_has_learnt():
    model = Colorizer(nn.Conv2d(4, 2, 1), name="mine")
    short = Origin(name="mine", identity="", run=True, steps=180, suite="quick")
    assert "180 steps (suite quick), too few" in why(model, short, ONE_TINT, hinted=False)
    long = Origin(name="mine", identity="", run=True, steps=300_000)
    assert "found none in it; give some known colours (--hints FILE)" in why(model, long, NO_COLOUR, hinted=False)
    assert "--hints" not in why(model, long, NO_COLOUR, hinted=True)


def test_the_colorizer_that_comes_with_the_zoo_says_where_better_eyes_are():
    shipped = origin_of("shipped")
    told = why(load("shipped"), shipped, NO_COLOUR, hinted=False)
    assert re.search("has seen few photos.*--hints FILE.*--with zhang2017 --weights published", told)
    assert "--hints" not in why(load("shipped"), shipped, NO_COLOUR, hinted=True)


def test_hints_of_one_colour_give_one_tint_and_that_is_told():
    told = why(build("huang2005"), Origin(name="huang2005", identity=""), ONE_TINT, hinted=True)
    assert "of one colour; paint others too" in told
