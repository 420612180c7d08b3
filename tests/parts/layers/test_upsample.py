import pytest
import torch
import torch.nn.functional as F
from torch import nn

from zoo.parts.layers.conv_unit import Upsample, start_as_nearest

MODES = ["nearest", "bilinear", "transpose", "pixel_shuffle"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("size", [(8, 12), (9, 13), (7, 11), (1, 1)])
def test_ends_at_exactly_the_size_asked_for(mode, scale, size):
    torch.manual_seed(0)
    upsample = Upsample(6, 4, scale=scale, mode=mode)
    x = torch.randn(2, 6, -(-size[0] // scale), size[1] // scale or 1)
    y = upsample(x, size)
    assert y.shape == (2, 4, *size)
    (y * torch.randn_like(y)).sum().backward()
    assert all(p.grad is not None for p in upsample.parameters())


@pytest.mark.parametrize("mode", MODES)
def test_every_parameter_gets_a_gradient(mode):
    torch.manual_seed(0)
    upsample = Upsample(6, 4, mode=mode)
    y = upsample(torch.randn(2, 6, 5, 7), (10, 14))
    (y * torch.randn_like(y)).sum().backward()
    assert all(p.grad.any() for p in upsample.parameters())


@pytest.mark.parametrize("scale", [2, 4])
def test_a_fresh_pixel_shuffle_is_a_nearest_neighbour_resize_of_a_convolution(scale):
    torch.manual_seed(0)
    convolution = nn.Conv2d(5, 3 * scale**2, 3, padding=1, bias=False)
    start_as_nearest(convolution, scale)
    x = torch.randn(2, 5, 6, 4)
    coarse = F.conv2d(x, convolution.weight[:: scale**2], padding=1)
    expected = F.interpolate(coarse, scale_factor=scale, mode="nearest")
    torch.testing.assert_close(F.pixel_shuffle(convolution(x), scale), expected)


def test_pixel_shuffle_starts_without_checkerboards():
    upsample = Upsample(6, 4, mode="pixel_shuffle")
    y = upsample(torch.randn(2, 6, 5, 7), (10, 14))
    torch.testing.assert_close(y[..., 0::2, :], y[..., 1::2, :])
    torch.testing.assert_close(y[..., 0::2], y[..., 1::2])


@pytest.mark.parametrize("scale", [2, 4])
def test_a_transposed_convolution_covers_every_inner_pixel_equally(scale):
    """An even kernel of ones over a constant gives a constant, away from the border: no checkerboard."""
    enlarge = Upsample(1, 1, scale=scale, mode="transpose").layers[0]
    nn.init.ones_(enlarge.weight)
    y = enlarge(torch.ones(1, 1, 6, 6))
    assert y.shape[-2:] == (6 * scale, 6 * scale)
    assert y[..., scale:-scale, scale:-scale].unique().numel() == 1


def test_cropping_and_continuing_keep_pixels_in_place():
    upsample = Upsample(3, 4, mode="transpose").eval()
    x = torch.randn(1, 3, 4, 4)
    whole = upsample(x, (8, 8))
    assert torch.equal(upsample(x, (7, 8)), whole[..., :7, :])
    longer = upsample(x, (9, 8))
    assert torch.equal(longer[..., :8, :], whole)
    assert torch.equal(longer[..., 8, :], whole[..., 7, :])
