"""A sweep against the sparse matrix of its weights, and its written-out gradient."""

import numpy as np
import pytest
import torch

from zoo.parts.layers.propagation import weight_matrix
from zoo.parts.layers.sweep import CELLS_OF_A_MATRIX, semi_iterated, swept


def drawn(*shape: int, seed: int) -> torch.Tensor:
    return torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_it_is_a_product_with_the_sparse_matrix() -> None:
    colour, weights, source = drawn(1, 2, 5, 7, seed=0), drawn(1, 8, 5, 7, seed=1), drawn(1, 2, 5, 7, seed=2)
    product = weight_matrix(weights[0].numpy()) @ colour[0].flatten(1).T.numpy()
    expected = source + torch.from_numpy(product.T).view_as(source)
    torch.testing.assert_close(swept(colour, weights, source), expected)


def test_the_gradient_is_that_of_finite_differences() -> None:
    given = [drawn(2, channels, 3, 4, seed=channels).requires_grad_() for channels in (3, 8)]
    assert torch.autograd.gradcheck(swept, (*given, drawn(2, 3, 3, 4, seed=9).requires_grad_()))


SIZES = [(6, 5), (9, 7)]
"""What is swept by a matrix, and what is too large for it."""


def of_a_contraction(height: int, width: int) -> tuple[torch.Tensor, ...]:
    """Colour, weights that sum to at most 0.9, and a source: of three photos."""
    weights = drawn(3, 8, height, width, seed=0)
    return (
        drawn(3, 2, height, width, seed=1),
        0.9 * weights / weights.sum(1, keepdim=True),
        drawn(3, 2, height, width, seed=2),
    )


def test_one_size_is_swept_by_a_matrix_and_one_is_not() -> None:
    assert [height * width <= CELLS_OF_A_MATRIX for height, width in SIZES] == [True, False]


@pytest.mark.parametrize("size", SIZES)
def test_many_sweeps_solve_the_equations_as_a_dense_solver_does(size: tuple[int, int]) -> None:
    colour, weights, source = of_a_contraction(*size)
    found = semi_iterated(colour, weights, source, sweeps=80, radius=0.9)
    for ours, shares, given in zip(found, weights, source, strict=True):
        system = np.eye(size[0] * size[1]) - weight_matrix(shares.numpy()).toarray()
        expected = np.linalg.solve(system, given.flatten(1).T.numpy())
        torch.testing.assert_close(ours.flatten(1).T, torch.from_numpy(expected), atol=1e-9, rtol=0)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("sweeps", [2, 3, 4, 5, 24])
def test_in_place_or_with_a_gradient_the_sweeps_are_the_same(sweeps: int, size: tuple[int, int]) -> None:
    colour, weights, source = of_a_contraction(*size)
    before = [each.clone() for each in (colour, weights, source)]
    in_place = semi_iterated(colour, weights, source, sweeps=sweeps, radius=0.8)
    assert all(torch.equal(each, its) for each, its in zip((colour, weights, source), before, strict=True))
    with_gradient = semi_iterated(colour.requires_grad_(), weights, source, sweeps=sweeps, radius=0.8)
    torch.testing.assert_close(in_place, with_gradient.detach())
    (gradient,) = torch.autograd.grad(with_gradient.sum(), colour)
    assert gradient.abs().sum() > 0


@pytest.mark.parametrize("size", SIZES)
def test_chebyshevs_sweeps_are_nearer_than_as_many_plain_ones(size: tuple[int, int]) -> None:
    """By the bound of Golub & Varga 1961: 2 ρᵏ for k of theirs, ρ = r / (1 + √(1 − r²)), where plain ones have rᵏ."""
    colour, weights, source = of_a_contraction(*size)
    settled = semi_iterated(colour, weights, source, sweeps=200, radius=0.9)
    plain = colour
    for _ in range(24):
        plain = swept(plain, weights, source)
    found = semi_iterated(colour, weights, source, sweeps=24, radius=0.9)
    assert (found - settled).abs().max() < 0.1 * (plain - settled).abs().max()
