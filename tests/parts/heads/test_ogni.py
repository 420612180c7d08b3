"""Integration by conjugate gradients against a dense solve, its gradient against finite differences."""

import numpy as np
import pytest
import torch

from zoo.core.errors import BadInput
from zoo.parts.heads.ogni import OGNIHead, differences, gathered, integrated

HEIGHT, WIDTH = 5, 4


def drawn(*shape: int, seed: int) -> torch.Tensor:
    return torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def given() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    mask = (drawn(1, 1, HEIGHT, WIDTH, seed=0) < 0.3).double()
    wanted, sure = drawn(1, 4, HEIGHT, WIDTH, seed=1) - 0.5, drawn(1, 2, HEIGHT, WIDTH, seed=2) + 0.1
    return wanted, sure, (drawn(1, 2, HEIGHT, WIDTH, seed=3) - 0.5) * mask, 5 * mask


def solved(wanted: torch.Tensor, sure: torch.Tensor, hints: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return integrated(wanted, sure, hints, weight, torch.zeros_like(hints), steps=60)


def densely(wanted: np.ndarray, sure: np.ndarray, hints: np.ndarray, weight: np.ndarray, channel: int) -> np.ndarray:
    """Least squares, an equation a difference and one a hint, weighed by the roots of what they count."""
    rows, right = [], []
    number = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
    for direction, (dy, dx) in enumerate(((1, 0), (0, 1))):
        for y in range(HEIGHT - dy):
            for x in range(WIDTH - dx):
                row = np.zeros(HEIGHT * WIDTH)
                row[number[y + dy, x + dx]], row[number[y, x]] = 1, -1
                root = sure[direction, y, x] ** 0.5
                rows.append(root * row)
                right.append(root * wanted[2 * direction + channel, y, x])
    for y, x in zip(*np.nonzero(weight), strict=True):
        rows.append(weight[y, x] ** 0.5 * np.eye(HEIGHT * WIDTH)[number[y, x]])
        right.append(weight[y, x] ** 0.5 * hints[channel, y, x])
    return np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)[0].reshape(HEIGHT, WIDTH)


def test_it_is_the_least_squares_solution() -> None:
    wanted, sure, hints, weight = given()
    found = solved(wanted, sure, hints, weight)[0].numpy()
    arrays = wanted[0].numpy(), sure[0].numpy(), hints[0].numpy(), weight[0, 0].numpy()
    for channel in range(2):
        np.testing.assert_allclose(found[channel], densely(*arrays, channel), atol=1e-9)


@pytest.mark.slow
def test_the_gradient_is_that_of_finite_differences() -> None:
    wanted, sure, hints, weight = given()
    assert torch.autograd.gradcheck(
        lambda wanted, sure: solved(wanted, sure, hints, weight), (wanted.requires_grad_(), sure.requires_grad_())
    )


def test_gathering_is_the_adjoint_of_differences() -> None:
    image, down, across = (drawn(1, 2, HEIGHT, WIDTH, seed=seed) for seed in (4, 5, 6))
    below, right = differences(image)
    one = (below * down).sum() + (right * across).sum()
    torch.testing.assert_close(one, (image * gathered(down, across)).sum())


@pytest.mark.parametrize("hinted", [True, False])
def test_it_starts_at_what_was_spread_and_is_finite_without_a_hint(hinted: bool) -> None:
    torch.manual_seed(0)
    head = OGNIHead(4, iterations=2)
    prediction = head(torch.randn(1, 4, 12, 9))
    mask = (torch.rand(1, 1, 12, 9) < 0.1 * hinted).float()
    prediction["ab"] = torch.rand(1, 2, 12, 9) - 0.5
    condition = torch.cat((torch.rand(1, 1, 12, 9), prediction["ab"] * mask, mask), dim=1)
    found = head.refine(prediction, condition)
    torch.testing.assert_close(found["ab"], prediction["ab"], atol=1e-5, rtol=0)
    torch.testing.assert_close(found["ab_update1"], prediction["ab"], atol=1e-5, rtol=0)


def test_options_that_integrate_nothing_are_refused() -> None:
    with pytest.raises(BadInput, match="iterations=0"):
        OGNIHead(4, iterations=0)
    with pytest.raises(BadInput, match="weight=0"):
        OGNIHead(4, weight=0)
