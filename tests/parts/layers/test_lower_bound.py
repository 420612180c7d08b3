"""A bound holds, and lets a value come back."""

import torch

from zoo.parts.layers.lower_bound import at_least


def test_a_value_at_the_bound_is_raised_by_descent_and_not_pushed_below_it() -> None:
    x = torch.tensor([-1.0, 0.0, 2.0], requires_grad=True)
    wish = torch.tensor([-1.0, 1.0, 1.0])
    found = at_least(x, 0.0)
    assert found.tolist() == [0, 0, 2]
    (found * wish).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [-1, 0, 1]


def test_without_a_gradient_it_is_a_maximum() -> None:
    with torch.no_grad():
        assert at_least(torch.tensor([-1.0, 3.0]), 0.0).tolist() == [0, 3]
