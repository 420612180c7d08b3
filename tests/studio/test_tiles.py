"""Tiles and the whole photo give the same colours, and who looks at the whole photo is told so."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput
from zoo.core.resolve import build
from zoo.studio.colorize import colorize
from zoo.studio.manner import Manner
from zoo.studio.tiles import reach, tiles


def randomised(model: Colorizer) -> Colorizer:
    """Weights under which all of its input counts; as built, the last layer is zero."""
    generator = torch.Generator().manual_seed(0)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            fan = layer.weight[0].numel()
            layer.weight.data.normal_(0, (2 / fan) ** 0.5, generator=generator)
    return model.eval()


class Convolutions(nn.Module):
    """Two of them: 3×3, and 3×3 of dilation 4. A pixel's answer depends on what is up to 5 pixels away."""

    stride = 1

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(4, 8, 3, padding=1), nn.Conv2d(8, 2, 3, padding=4, dilation=4)

    def forward(self, condition):
        return self.second(self.first(condition)) / 4


class Mean(nn.Module):
    stride = 1

    def forward(self, condition):
        return condition[:, 1:3] + condition[:, :1].mean((2, 3), keepdim=True) / 10


def test_reach_is_what_can_be_counted():
    assert reach(Colorizer(Convolutions())) == 5
    assert reach(build("gray")) == 0
    assert reach(Colorizer(Mean())) is None
    assert reach(build("push_pull")) is None  # a lone hint reaches everywhere


@pytest.mark.parametrize(("height", "width", "side", "margin", "stride"), [(100, 37, 32, 5, 1), (64, 50, 20, 9, 8)])
def test_every_pixel_is_kept_once_and_seen_with_its_margin(height, width, side, margin, stride):
    kept = np.zeros((height, width), int)
    for tile in tiles(height, width, side=side, margin=margin, stride=stride):
        kept[slice(*tile.kept[0]), slice(*tile.kept[1])] += 1
        for (first, last), (start, end), length in zip(tile.kept, tile.seen, (height, width), strict=True):
            assert start <= max(first - margin, 0)
            assert end >= min(last + margin, length)
            assert start % stride == end % stride == 0
    assert (kept == 1).all()


def test_tiles_equal_the_whole_photo(photos):
    model = Colorizer(Convolutions())
    whole = colorize(model, photos[0][:90, :71])
    assert np.array_equal(colorize(model, photos[0][:90, :71], tiles=True, size=32), whole)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"), [("unet", {"width": 4, "depth": 3}), ("zhang2016", {"width": 8}), ("edsr", {"width": 8})]
)
@torch.no_grad()
def test_rows_of_pure_convolutions_are_equal_to_1e_4(photos, name, options):
    """Real photo, odd size, the answer itself and not only its 8 bits: the condition as a tile sees it."""
    from zoo.studio import colorize as module

    model = randomised(build(name, **options))
    photo = np.concatenate((photos[3], photos[4]), axis=1)[:203, :501]
    margin = reach(model)
    assert margin is not None
    whole = module.predict(model, photo, size=501)
    for tile in tiles(203, 501, side=128, margin=margin, stride=model.stride):
        (top, bottom), (left, right) = tile.kept
        ab = module._asked(model, module._window(photo, None, tile))
        ab = ab[..., top - tile.seen[0][0] :, left - tile.seen[1][0] :][..., : bottom - top, : right - left]
        torch.testing.assert_close(ab, whole[..., top:bottom, left:right], rtol=0, atol=1e-4)


def test_hints_come_through_tiles(photos):
    ab, mask = np.full((256, 256, 2), np.nan, np.float32), np.zeros((256, 256), bool)
    ab[100:140, 20:60], mask[100:140, 20:60] = (40, 30), True

    class Echo(Mean):
        def forward(self, condition):
            return condition[:, 1:3]

    model = Colorizer(Echo())
    made = colorize(model, photos[0], hints=(ab, mask), tiles=True, size=96)
    assert np.array_equal(made, colorize(model, photos[0], hints=(ab, mask)))
    with pytest.raises(BadInput, match="hints have the shapes"):
        colorize(model, photos[0], hints=(ab[:9], mask[:9]), tiles=True)


def test_a_look_at_the_whole_photo_is_one_sentence(photos):
    with pytest.raises(BadInput, match="mine looks at the whole photo"):
        colorize(Colorizer(Mean(), name="mine"), photos[0], tiles=True)
    with pytest.raises(BadInput, match="leave one of them out"):
        Manner(tiles=True, reference=photos[0])


@pytest.mark.slow(seconds=15)
def test_a_large_photo_takes_little_memory(benchmark_script, tmp_path):
    """24 megapixels beside 1: what a pixel costs, in a process of its own; 100 megapixels stay under 4 GB at that."""
    script = benchmark_script("scale/large_photo.py")
    peaks = []
    for megapixels in (1, 24):
        photo = script.large_photo(tmp_path / f"{megapixels}.jpg", megapixels)
        peaks.append(script.measured([str(photo), "--with", "gray", "--tiles", "--format", "jpg"]))
    assert peaks[0] + 99 / 23 * (peaks[1] - peaks[0]) < 4
