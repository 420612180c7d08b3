"""What every propagator promises, and the ones that are blind to the photo against references of their own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from zoo.core.assemble import make
from zoo.core.registry import current
from zoo.parts.propagators.nearest import NearestPropagator
from zoo.parts.propagators.push_pull import PushPullPropagator, pull, push

NAMES = current().names("propagators")
SMOOTHING = {"nconv"}
"""What weighs a hint with its neighbours, as its paper does: the colorizer puts the hints back."""


def spread(name: str, condition: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
    torch.manual_seed(0)  # what a learned one starts with
    found = make("propagators", name)(condition)
    if isinstance(found, dict):
        return found["ab"], found["confidence"]
    return (found, None) if isinstance(found, torch.Tensor) else found


def drawn(*shape: int, density: float = 0.1, seed: int = 0) -> torch.Tensor:
    """A condition of noise, in which every photo has a hint."""
    generator = torch.Generator().manual_seed(seed)
    condition = torch.rand(shape[0], 4, *shape[1:], generator=generator) * 2 - 1
    mask = torch.rand(shape[0], *shape[1:], generator=generator) < density
    mask[:, -1, -1] = True
    condition[:, 3] = mask.float()
    condition[:, 1:3] *= 0.5 * condition[:, 3:]
    return condition


@pytest.mark.parametrize("name", sorted(set(NAMES) - SMOOTHING))
def test_hints_are_kept_to_the_bit_and_confidence_is_one_there(name: str, hinted: Callable) -> None:
    condition = hinted(8, 0.05).condition
    mask = condition[:, 3:] > 0
    found, confidence = spread(name, condition)
    assert torch.equal(found.where(mask, torch.zeros(())), condition[:, 1:3])
    if confidence is not None:
        assert (confidence[mask] == 1).all()
        assert confidence.min() >= 0
        assert confidence.max() <= 1


@pytest.mark.parametrize("name", NAMES)
def test_a_photo_without_hints_stays_grey(name: str) -> None:
    condition = drawn(2, 9, 7)
    condition[0, 1:] = 0
    found, confidence = spread(name, condition)
    assert not found[0].any()
    assert found[1].any()
    assert confidence is None or not confidence[0].any()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1), (1, 9), (3, 2), (8, 5), (17, 16)])
def test_any_size_will_do(name: str, size: tuple[int, int]) -> None:
    found, confidence = spread(name, drawn(2, *size))
    assert found.shape == (2, 2, *size)
    assert found.isfinite().all()
    assert confidence is None or confidence.shape == (2, 1, *size)


@pytest.mark.parametrize("name", NAMES)
def test_each_photo_of_a_batch_is_spread_alone(name: str) -> None:
    condition = drawn(3, 12, 10)
    together = spread(name, condition)[0]
    alone = torch.cat([spread(name, photo[None])[0] for photo in condition])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"none"}))
def test_hints_of_one_colour_colour_the_whole_photo(name: str) -> None:
    condition = drawn(2, 16, 11)
    colour = torch.tensor([0.3, -0.2]).view(1, 2, 1, 1)
    condition[:, 1:3] = colour * condition[:, 3:]
    found = spread(name, condition)[0]
    torch.testing.assert_close(found, colour.expand_as(found), atol=1e-5, rtol=0)


def test_none_gives_the_hints_and_nothing_else() -> None:
    condition = drawn(2, 6, 5)
    found, confidence = spread("none", condition)
    assert confidence is not None
    assert torch.equal(torch.cat((condition[:, :1], found, confidence), 1), condition)


@pytest.mark.parametrize(("height", "width", "density"), [(13, 9, 0.03), (8, 8, 0.2), (6, 14, 0.5)])
def test_nearest_is_the_nearest_of_all_hints_leftmost_and_then_topmost(height: int, width: int, density: float) -> None:
    condition = drawn(40, height, width, density=density)
    found, confidence = NearestPropagator()(condition)
    for photo, ab, near in zip(condition, found, confidence, strict=True):
        columns, rows = (photo[3].T > 0).nonzero().T
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        squared = (y[..., None] - rows) ** 2 + (x[..., None] - columns) ** 2
        # listed column by column from the left, so that the first of the least is the one that counts
        first = torch.from_numpy(squared.numpy().argmin(-1))
        assert torch.equal(ab, photo[1:3, rows[first], columns[first]])
        torch.testing.assert_close(near[0], 1 / (1 + squared.amin(-1).double().sqrt()).float())


def hat(fine: int) -> np.ndarray:
    """(⌈fine/2⌉, fine): ½ 1 ½ around every second pixel, written out."""
    matrix = np.zeros(((fine + 1) // 2, fine))
    for coarse in range(len(matrix)):
        for offset, weight in ((-1, 0.5), (0, 1.0), (1, 0.5)):
            if 0 <= 2 * coarse + offset < fine:
                matrix[coarse, 2 * coarse + offset] = weight
    return matrix


def by_matrices(colour: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Push-pull in float64: (H, W, C) and (H, W), recursively, by dense matrices."""
    height, width = weight.shape
    if max(height, width) == 1:
        return colour
    down, across = hat(height), hat(width)
    total = down @ weight @ across.T
    summed = np.einsum("yh,hwc,xw->yxc", down, colour * weight[..., None], across)
    above = by_matrices(summed / np.maximum(total, 1e-30)[..., None], np.minimum(total, 1))
    # bilinear: the same hats, scaled to sum 1 where the last has no neighbour to share with
    up, along = down.T / down.sum(0)[:, None], across.T / across.sum(0)[:, None]
    pushed = np.einsum("hy,yxc,wx->hwc", up, above, along)
    return weight[..., None] * colour + (1 - weight[..., None]) * pushed


@pytest.mark.parametrize("size", [(16, 16), (13, 7), (1, 10), (12, 5)])
def test_push_pull_is_that_of_dense_matrices(size: tuple[int, int]) -> None:
    condition = drawn(1, *size).double()
    expected = by_matrices(condition[0, 1:3].permute(1, 2, 0).numpy(), condition[0, 3].numpy())
    found = PushPullPropagator()(condition)[0][0].permute(1, 2, 0)
    torch.testing.assert_close(found, torch.from_numpy(expected), atol=1e-12, rtol=0)


def test_pull_and_push_of_five_pixels_as_worked_by_hand() -> None:
    colour = torch.tensor([0.0, 4.0, 0.0, 0.0, 8.0]).view(1, 1, 1, 5)
    weight = torch.tensor([0.0, 1.0, 0.0, 0.0, 1.0]).view(1, 1, 1, 5)
    above, known = pull(colour, weight)
    assert above.flatten().tolist() == [4, 4, 8]
    assert known.flatten().tolist() == [0.5, 0.5, 1]
    assert push(above, weight).flatten().tolist() == [4, 4, 4, 6, 8]


def test_weights_saturate() -> None:
    """Nine hints side by side weigh no more than one: else a scribble drowned the click beside it."""
    assert pull(torch.zeros(1, 2, 3, 3), torch.ones(1, 1, 3, 3))[1].amax() == 1


@pytest.mark.slow
def test_push_pulls_gradient_is_that_of_finite_differences() -> None:
    condition = drawn(1, 5, 6, density=0.3).double()
    colours = condition[:, 1:3].clone().requires_grad_()

    def found(colours: torch.Tensor) -> torch.Tensor:
        return PushPullPropagator()(torch.cat((condition[:, :1], colours, condition[:, 3:]), 1))[0]

    assert torch.autograd.gradcheck(found, colours)


def test_push_pull_is_smoother_than_the_nearest_colour(hinted: Callable) -> None:
    photos = hinted(2, 0.01)
    assert photos.psnr(spread("push_pull", photos.condition)[0]) > photos.psnr(spread("nearest", photos.condition)[0])


def test_confidence_falls_with_the_distance() -> None:
    condition = torch.zeros(1, 4, 32, 32)
    condition[0, 1:, 0, 0] = 1
    for name in ("nearest", "push_pull", "pyramid"):
        _, confidence = spread(name, condition)
        assert confidence is not None
        along = [float(confidence[0, 0, i, i]) for i in (0, 2, 4, 8, 16, 31)]
        assert along == sorted(along, reverse=True)
        assert along[-1] < along[1] < along[0]
