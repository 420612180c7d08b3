"""Old prints: what an emulsion that is blind to red makes of colours, held to plain formulas and scikit-image."""

from __future__ import annotations

import dataclasses

import msgspec
import numpy as np
import pytest
import torch
from skimage.color import lab2rgb, rgb2lab

from zoo.core.assemble import make
from zoo.harness.data.batches import evaluation_batches
from zoo.harness.data.old_print import OldPrint
from zoo.harness.plan.suite import load_suite, open_photos
from zoo.harness.scoring.scores import make_metrics, score_colorizer

CLEAN = OldPrint(black=0.0, white=1.0, grain=0.0)


def grey_of(rgb: tuple[int, int, int], how: OldPrint) -> float:
    """L* of one colour on the print."""
    photo = torch.tensor(rgb, dtype=torch.uint8).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    return float(how.lightness(photo, ("a",), 0).mean() + 1) * 50


def test_red_is_black_and_blue_is_lighter_than_it_looks():
    true = {name: rgb2lab(np.array(colour) / 255)[0] for name, colour in COLOURS.items()}
    seen = {name: grey_of(colour, CLEAN) for name, colour in COLOURS.items()}
    assert seen["red"] == 0
    assert seen["blue"] > true["blue"] + 40
    assert seen["skin"] < true["skin"] - 5
    assert seen["grey"] == pytest.approx(true["grey"], abs=0.01), "what has no colour is seen as it is"
    assert seen["white"] == pytest.approx(100, abs=0.01)


COLOURS = {"red": (255, 0, 0), "blue": (0, 0, 255), "skin": (224, 172, 140), "grey": (90, 90, 90), "white": (255,) * 3}


def test_black_and_white_fade_to_where_they_are_said_to():
    how = OldPrint(black=51 / 255, white=204 / 255, grain=0.0)
    for photo, print_ in ((0, 51), (255, 204)):
        assert grey_of((photo,) * 3, how) == pytest.approx(rgb2lab(np.full(3, print_ / 255))[0], abs=0.01)


@pytest.mark.parametrize("size", [0.0, 0.6, 2.0])
def test_grain_is_as_strong_as_it_is_said_to_be_and_coarser_with_its_size(size):
    grey = torch.full((2, 3, 96, 96), 119, dtype=torch.uint8)
    how = OldPrint(black=0.0, white=1.0, grain=0.05, grain_size=size)
    lightness = (how.lightness(grey, ("a", "b"), 0).numpy() + 1) * 50
    lab = np.stack([lightness, 0 * lightness, 0 * lightness], -1)
    printed = lab2rgb(lab[:, 0])[..., 0]
    assert printed.std() == pytest.approx(0.05, rel=0.15)
    step = np.diff(printed, axis=-1).std() / printed.std()
    assert (step > 1.3) == (size == 0.0)
    assert (step < 0.6) == (size == 2.0)
    assert abs(np.corrcoef(printed[0].ravel(), printed[1].ravel())[0, 1]) < 0.1, "each photo has a grain of its own"


def test_the_same_photo_gives_the_same_print_whatever_stands_beside_it():
    photos = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    together = OldPrint().lightness(photos, ("a", "b", "c"), 0)
    assert torch.equal(OldPrint().lightness(photos[1:2], ("b",), 0), together[1:2])
    assert not torch.equal(OldPrint().lightness(photos[1:2], ("b",), 1), together[1:2])


@pytest.mark.parametrize("wrong", [{"black": 0.9, "white": 0.2}, {"sensitivity": [0, 0, 0]}, {"grain": 2}])
def test_what_is_no_print_is_refused(wrong):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, OldPrint)


class Truth(torch.nn.Module):
    """Knows the colours and looks at the grey."""

    def __init__(self, batches):
        super().__init__()
        self.ab = torch.cat([each.batch.ab for each in batches])
        self.seen: list[torch.Tensor] = []

    def forward(self, condition, extras):
        self.seen.append(condition[:, :1])
        return {"ab": self.ab[: len(condition)]}


def test_a_colorizer_sees_the_print_and_is_scored_on_the_colours_alone():
    suite = msgspec.structs.replace(load_suite("old_photos"), size=48, test_limit=3)
    bank = open_photos(suite).test
    how = {"size": 48, "batch_size": 3, "device": "cpu", "hint_seed": 0, "hint_sampler": make("hints", "pixels")}
    (plain,) = evaluation_batches(bank, **how)
    (printed,) = evaluation_batches(bank, **how, old_print=suite.old_print)
    for field in ("ab", "hint_ab", "hint_mask"):
        assert torch.equal(getattr(plain.batch, field), getattr(printed.batch, field)), "hints are in true colours"
    assert torch.equal(printed.scored.lightness, plain.batch.lightness)
    assert dataclasses.replace(printed.scored, lightness=printed.batch.lightness) == printed.batch
    assert (printed.batch.lightness - plain.batch.lightness).abs().mean() > 0.05

    truth = Truth([printed])
    (psnr,), _ = make_metrics(["psnr"], device=torch.device("cpu"))
    scores = score_colorizer(truth, [printed], [psnr], keep=3)
    assert torch.equal(truth.seen[0], printed.batch.lightness)
    assert min(scores.per_image["psnr"]) > 45, "the true colours are the best answer, whatever has become of the greys"
    shown = scores.pictures[0][1].float().mean()
    assert shown == pytest.approx(printed.rgb.float().mean().item(), abs=60)
    assert not torch.equal(scores.pictures[0][1], printed.rgb), "to be looked at it lies on the print"
