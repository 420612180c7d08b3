"""Suggested colours for a place: from a distribution, from several answers, or from around it; and `zoo suggest`."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image, ImageColor
from skimage.color import rgb2lab

import zoo
from zoo.cli.main import cli
from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput
from zoo.core.resolve import build
from zoo.studio.hint_marks import Point, painted, write_marks
from zoo.studio.suggest import APART

WIDTH, HEIGHT = 96, 64
RED, BLUE = "#b0403a", "#3a5fb0"


@pytest.fixture
def grey(photos) -> np.ndarray:
    return np.asarray(Image.fromarray(photos[0][:HEIGHT, :WIDTH]).convert("L").convert("RGB"))


@pytest.fixture
def marks() -> list[Point]:
    return [Point(x=16, y=32, color=RED), Point(x=80, y=32, color=BLUE)]


def ab_of(color: str) -> np.ndarray:
    return rgb2lab(np.array(ImageColor.getrgb(color), np.uint8).reshape(1, 1, 3))[0, 0, 1:]


class Says(torch.nn.Module):
    """Two classes: in the left half the first is certain, in the right half the second; at a quarter of the size."""

    stride = 8

    def forward(self, condition):
        logits = torch.full((1, 2, condition.shape[2] // 4, condition.shape[3] // 4), -200.0)
        logits[:, 0, :, : WIDTH // 8] = 200
        logits[:, 1, :, WIDTH // 8 :] = 200
        return {
            "ab": torch.zeros_like(condition[:, :2]),
            "logits": logits,
            "bins": torch.tensor([[30.0, 20], [0, -30]]),
        }


def test_a_distribution_is_read_where_the_place_is(grey):
    large = np.asarray(Image.fromarray(grey).resize((4 * WIDTH, 4 * HEIGHT)))
    for photo, scale in ((grey, 1), (large, 4)):
        for x, colour in ((47, (30, 20)), (48, (0, -30))):
            said = zoo.suggest(Colorizer(Says(), name="says"), photo, x * scale, 63 * scale, size=WIDTH)
            assert said.source == "distribution"
            assert [(each.a, each.b, each.share) for each in said.suggested] == [(*colour, 1)]


def test_a_suggestion_looks_as_light_as_the_photo_there(grey):
    torch.manual_seed(0)
    said = zoo.suggest(build("unet_mixture", width=4), grey, 20, 30, count=4)
    lightness = rgb2lab(grey)[30, 20, 0]
    assert said.source == "distribution"
    assert len(said.suggested) > 1
    for each in said.suggested:
        rgb = np.array(ImageColor.getrgb(each.color), np.uint8).reshape(1, 1, 3)
        assert rgb2lab(rgb)[0, 0, 0] == pytest.approx(lightness, abs=5)
    assert [each.share for each in said.suggested] == sorted((each.share for each in said.suggested), reverse=True)
    assert sum(each.share for each in said.suggested) == pytest.approx(1, abs=1e-3)


def test_of_a_model_with_several_answers_and_no_distribution_answers_are_drawn(grey):
    model = build("pix2pix", width=4)
    said = zoo.suggest(model, grey, 20, 30)
    assert said.source == "answers"
    assert said == zoo.suggest(model, grey, 20, 30)


def test_of_a_model_with_one_answer_the_colours_around_are_suggested(grey, marks):
    hints = painted(marks, (HEIGHT, WIDTH))
    for mark, other in (marks, reversed(marks)):
        said = zoo.suggest("pyramid", grey, mark.x, mark.y, hints=hints)
        assert said.source == "around"
        first = np.array([said.suggested[0].a, said.suggested[0].b])
        assert np.hypot(*(first - ab_of(mark.color))) < 15
        assert np.hypot(*(first - ab_of(other.color))) > 30


def test_suggestions_differ_to_the_eye(grey, marks):
    suggested = zoo.suggest("pyramid", grey, 48, 32, hints=painted(marks, (HEIGHT, WIDTH)), count=9).suggested
    assert 1 < len(suggested) <= 9
    each = np.array([(c.a, c.b) for c in suggested])
    apart = np.hypot(*np.moveaxis(each[:, None] - each, 2, 0))
    assert apart[~np.eye(len(each), dtype=bool)].min() >= APART


def test_a_place_outside_and_no_count_are_refused(grey):
    for x, y in ((WIDTH, 3), (3, -1), (float("nan"), 3)):
        with pytest.raises(BadInput, match="outside of the photo of 96×64"):
            zoo.suggest("pyramid", grey, x, y)
    with pytest.raises(BadInput, match="1 or more"):
        zoo.suggest("pyramid", grey, 1, 1, count=0)
    with pytest.raises(BadInput, match="reference"):
        zoo.suggest("welsh2002", grey, 1, 1)


def suggest(*words: object) -> Result:
    return CliRunner().invoke(cli, ["suggest", *map(str, words)], prog_name="zoo")


def test_the_command_lists_them_and_says_what_they_are(tmp_path, grey, marks):
    Image.fromarray(grey).save(tmp_path / "photo.png")
    (tmp_path / "hints.json").write_bytes(write_marks(marks))
    words = (tmp_path / "photo.png", 16, 32, "--with", "pyramid", "--hints", tmp_path / "hints.json")
    table = suggest(*words)
    assert table.exit_code == 0, table.output
    assert "pyramid gives one colour a place" in table.stderr
    said = json.loads(suggest(*words, "--json").stdout)
    assert (said["x"], said["y"], said["model"], said["source"]) == (16, 32, "pyramid", "around")
    assert [line.split()[0] for line in table.stdout.splitlines()[1:]] == [each["color"] for each in said["suggested"]]
    assert said["suggested"][0].keys() == {"color", "share", "a", "b"}


def test_the_command_says_where_there_is_no_colour_and_where_the_place_is_wrong(tmp_path, grey):
    Image.fromarray(grey).save(tmp_path / "photo.png")
    nothing = suggest(tmp_path / "photo.png", 16, 32, "--with", "pyramid")
    assert nothing.exit_code == 0
    assert "--hints" in nothing.stderr
    outside = suggest(tmp_path / "photo.png", 160, 32, "--with", "pyramid")
    assert outside.exit_code == 2
    assert outside.stderr.count("\n") == 1
