"""Moved neighbours against torchvision's deformable convolution."""

import pytest
import torch
from torchvision.ops import deform_conv2d

from zoo.parts.layers.affinity import NEIGHBOURS, neighbours, shifted
from zoo.parts.layers.spatial_propagation import moved, sampled, summed

REACH = 4


def drawn(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def by_torchvision(image: torch.Tensor, offsets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Σ_n w_n x(n), beyond the edge the nearest pixel: on a photo whose edge is repeated far enough."""

    def widened(tensor: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.pad(tensor, (REACH,) * 4, mode="replicate")

    centre = 4  # a 3×3 kernel has the pixel itself in its middle
    offset = torch.cat((offsets[:, :centre], torch.zeros_like(offsets[:, :1]), offsets[:, centre:]), dim=1).flatten(
        1, 2
    )
    weight = torch.cat((weights[:, :centre], torch.zeros_like(weights[:, :1]), weights[:, centre:]), dim=1)
    ones = torch.ones(image.shape[1], 1, 3, 3, dtype=image.dtype)
    found = deform_conv2d(widened(image), widened(offset), ones, padding=1, mask=widened(weight))
    return found[..., REACH:-REACH, REACH:-REACH]


def test_it_is_a_deformable_convolution_whose_kernel_is_all_ones() -> None:
    image, weights = drawn(2, 2, 9, 7, seed=0), drawn(2, 8, 9, 7, seed=1)
    offsets = drawn(2, 8, 2, 9, 7, seed=2).clamp(-2.5, 2.5)
    found = summed(sampled(image, moved(offsets)).unbind(2), weights, torch.zeros_like(image))
    torch.testing.assert_close(found, by_torchvision(image, offsets, weights))


def test_unmoved_neighbours_are_the_shifted_images() -> None:
    image = drawn(1, 2, 6, 5, seed=3)
    found = sampled(image, moved(torch.zeros(1, 8, 2, 6, 5, dtype=torch.float64)))
    expected = torch.stack(shifted(image), dim=2)
    torch.testing.assert_close(found[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1])


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 4), (3, 1)])
def test_a_photo_one_pixel_wide_has_its_own_pixels_beside_it(height: int, width: int) -> None:
    image = drawn(1, 2, height, width, seed=4)
    offsets = drawn(1, 8, 2, height, width, seed=5).clamp(-2.5, 2.5)
    found = summed(sampled(image, moved(offsets)).unbind(2), torch.ones(1, 8, height, width), torch.zeros_like(image))
    weights = torch.ones(1, 8, height, width, dtype=torch.float64)
    torch.testing.assert_close(found, by_torchvision(image, offsets, weights))


def test_the_neighbours_of_a_window_of_three_are_levins() -> None:
    assert tuple(neighbours(3)) == NEIGHBOURS
    assert len(neighbours(7)) == 48
    image = drawn(1, 1, 8, 8, seed=6)
    for (down, across), near in zip(neighbours(5), shifted(image, side=5), strict=True):
        assert near[0, 0, 4, 3] == image[0, 0, 4 + down, 3 + across]
