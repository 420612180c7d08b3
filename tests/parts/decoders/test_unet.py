import pytest
import torch

from zoo.core.contracts import Level, Pyramid
from zoo.core.errors import BadInput
from zoo.parts.decoders.unet import UNetDecoder
from zoo.parts.encoders.conv import ConvEncoder
from zoo.parts.skips.attention_gate import AttentionGate
from zoo.parts.skips.concat import Concat

PYRAMIDS = {
    "from full size": [(4, 1), (8, 2), (16, 4)],
    "from half size": [(8, 2), (12, 4), (20, 8)],
    "from a quarter, leaping": [(48, 4), (40, 16)],
    "one size for all": [(40, 16), (40, 16), (40, 16)],
    "a single map": [(40, 8)],
    "patches of 14": [(40, 14)],
}


@pytest.mark.parametrize("levels", PYRAMIDS.values(), ids=PYRAMIDS.keys())
@pytest.mark.parametrize("skip", ["concat", "sum", "attention_gate"])
@pytest.mark.parametrize("upsample", ["nearest", "bilinear", "transpose", "pixel_shuffle"])
def test_any_pyramid_ends_at_full_size_and_every_parameter_learns(levels, skip, upsample):
    torch.manual_seed(0)
    levels = [Level(*level) for level in levels]
    decoder = UNetDecoder(levels, skip=skip, upsample=upsample)
    side = 4 * levels[-1].reduction
    maps = [torch.randn(2, c, side // r, side // r) for c, r in levels]
    y = decoder(Pyramid(maps))
    assert decoder.reduction == 1
    assert y.shape == (2, decoder.channels, side, side)
    (y * torch.randn_like(y)).sum().backward()
    assert [name for name, p in decoder.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("upsample", ["nearest", "bilinear", "transpose", "pixel_shuffle"])
@pytest.mark.parametrize("size", [(65, 97), (16, 31), (17, 16)])
def test_odd_pyramids_come_back_to_the_size_of_the_finest_map(upsample, size):
    encoder = ConvEncoder(4, width=4, depth=5)
    decoder = UNetDecoder(encoder.levels, upsample=upsample)
    assert decoder(encoder(torch.randn(2, 4, *size))).shape == (2, 4, *size)


def test_channels_halve_down_to_sixteen_beyond_the_finest_map():
    assert UNetDecoder([Level(192, 16)]).channels == 16
    assert UNetDecoder([Level(96, 4)]).channels == 24
    assert UNetDecoder([Level(10, 4)]).channels == 10


def test_the_finest_skip_can_be_another():
    levels = [Level(4, 1), Level(8, 2), Level(16, 4)]
    decoder = UNetDecoder(levels, skip={"name": "attention_gate", "form": "grid"}, finest_skip="concat")
    assert [type(rise.skip) for rise in decoder.rises] == [AttentionGate, Concat]
    only = UNetDecoder(levels, skip="attention_gate")
    assert [type(rise.skip) for rise in only.rises] == [AttentionGate, AttentionGate]


@pytest.mark.parametrize("levels", [[], [(8, 4), (4, 1)], [(8, 2), (8, 5)]])
def test_levels_that_are_no_pyramid_are_refused(levels):
    with pytest.raises(BadInput, match="level"):
        UNetDecoder([Level(*level) for level in levels])
