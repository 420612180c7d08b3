from __future__ import annotations

import pytest
import torch
from torch import nn

from zoo.core.errors import BadInput
from zoo.parts.networks.edsr import EDSR


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def conv(a: int, b: int) -> int:
    return 9 * a * b + b


@pytest.mark.parametrize(
    ("options", "published"),
    [
        ({"scale": 2}, 1_369_859),  # the baseline's "1.37 M" and "1.52 M"
        ({"scale": 4}, 1_517_571),
        ({"scale": 2, "width": 256, "blocks": 32}, 40_729_603),  # "43 M" for ×4, 40.7 M for ×2
    ],
)
def test_all_but_the_first_and_last_convolution_is_edsr(options, published):
    with torch.device("meta"):
        network = EDSR(**options)
    width, scale = options.get("width", 64), options["scale"]
    theirs = conv(3, width) + conv(width, 3)
    ours = conv(4 * scale**2, width) + conv(width, 2)
    assert count(network) == published - theirs + ours


def test_it_has_no_normalisation():
    assert not any(isinstance(m, nn.BatchNorm2d) for m in EDSR(width=4).modules())


def test_a_block_adds_what_the_scale_leaves_of_its_branch():
    block = EDSR(width=4, residual_scale=0.1).trunk[0]
    x = torch.randn(1, 4, 5, 5)
    torch.testing.assert_close(block(x), x + 0.1 * block.branch(x))


def test_nothing_of_the_photo_is_lost_on_the_way_into_the_trunk():
    unshuffle = EDSR(width=4, scale=4).head[0]
    x = torch.randn(1, 4, 8, 12)
    assert torch.equal(nn.PixelShuffle(4)(unshuffle(x)), x)


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_the_result_has_the_photo_s_size_and_starts_near_grey(scale):
    torch.manual_seed(0)
    ab = EDSR(width=16, scale=scale)(torch.randn(1, 4, 32, 48))["ab"]
    assert ab.shape == (1, 2, 32, 48)
    assert 0 < ab.abs().max() < 0.1


def test_a_scale_that_is_no_power_of_two_is_refused():
    with pytest.raises(BadInput, match="by twos"):
        EDSR(scale=3)
