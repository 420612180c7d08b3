from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from zoo.core.contracts import Level, Pyramid
from zoo.core.errors import BadInput
from zoo.parts.decoders.fcn import FCNDecoder
from zoo.parts.encoders.vgg import VGGEncoder

LEVELS = (Level(4, 2), Level(8, 4), Level(16, 8), Level(16, 16), Level(32, 32))


def pyramid(side: int = 64) -> Pyramid:
    generator = torch.Generator().manual_seed(0)
    return Pyramid([torch.randn(1, c, side // r, side // r, generator=generator) for c, r in LEVELS])


def caffe_deconvolution(x: torch.Tensor, kernel: int, stride: int) -> torch.Tensor:
    """The published layer: a deconvolution with the bilinear filter of ``surgery.py``, cropped to stride · x."""
    factor = (kernel + 1) // 2
    centre = factor - 1 if kernel % 2 == 1 else factor - 0.5
    line = 1 - (torch.arange(kernel) - centre).abs() / factor
    channels = x.shape[1]
    filters = torch.outer(line, line).expand(channels, 1, kernel, kernel)
    return F.conv_transpose2d(x, filters, stride=stride, padding=(kernel - stride) // 2, groups=channels)


@pytest.mark.parametrize(("kernel", "stride"), [(4, 2), (16, 8), (32, 16), (64, 32)])
def test_the_published_deconvolutions_are_bilinear_resizing_away_from_the_border(kernel, stride):
    x = torch.randn(1, 2, 6, 5)
    resized = F.interpolate(x, scale_factor=stride, mode="bilinear", align_corners=False)
    inner = (..., slice(stride, -stride), slice(stride, -stride))
    torch.testing.assert_close(caffe_deconvolution(x, kernel, stride)[inner], resized[inner])


@pytest.mark.parametrize("stride", [32, 16, 8])
def test_it_fuses_as_the_published_network(stride):
    torch.manual_seed(0)
    decoder = FCNDecoder(LEVELS, stride=stride, classes=3)
    for score in decoder.scores:
        torch.nn.init.normal_(score.weight)
    maps = pyramid(256).maps
    expected = decoder.scores[0](maps[-1])
    if stride <= 16:
        expected = caffe_deconvolution(expected, 4, 2) + decoder.scores[1](maps[-2])
    if stride <= 8:
        expected = caffe_deconvolution(expected, 4, 2) + decoder.scores[2](maps[-3])
    expected = caffe_deconvolution(expected, 2 * stride, stride)
    inner = (..., slice(72, -72), slice(72, -72))
    torch.testing.assert_close(decoder(Pyramid(maps))[inner], expected[inner], rtol=1e-4, atol=1e-4)


def test_only_levels_from_the_stride_up_are_scored():
    assert [len(FCNDecoder(LEVELS, stride=stride).scores) for stride in (32, 16, 8)] == [1, 2, 3]


def test_the_scores_start_at_zero():
    assert not FCNDecoder(LEVELS)(pyramid()).any()


def test_at_once_scales_the_skips():
    decoder = FCNDecoder(LEVELS, classes=1, at_once=True)
    for score in decoder.scores:
        torch.nn.init.ones_(score.weight)
    maps = [torch.zeros(1, c, 64 // r, 64 // r) for c, r in LEVELS]
    maps[2] += 1  # pool3
    torch.testing.assert_close(decoder(Pyramid(maps)), torch.full((1, 1, 64, 64), 16 * 0.0001))


def test_on_vgg_it_scores_pool3_pool4_and_fc7():
    encoder = VGGEncoder(4, width=2, classifier=True, taps="pools")
    decoder = FCNDecoder(encoder.levels, stride=8)
    assert [score.in_channels for score in decoder.scores] == [128, 16, 8]


def test_a_stride_no_level_has_is_refused():
    with pytest.raises(BadInput, match="stride 8"):
        FCNDecoder((Level(8, 1), Level(16, 2)), stride=8)
