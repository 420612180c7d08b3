"""A sweep against the sparse matrix of its weights, and its written-out gradient."""

import torch

from zoo.parts.layers.propagation import weight_matrix
from zoo.parts.layers.sweep import swept


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
