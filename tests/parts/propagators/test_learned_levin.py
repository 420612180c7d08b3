"""Learned edges: Levin's answer at the start, the gradient of an exact solve, colours where nothing is hinted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from zoo.core.errors import BadInput
from zoo.parts.classical.levin2004 import Levin2004
from zoo.parts.layers.affinity import NEIGHBOURS, symmetric_affinity
from zoo.parts.propagators.learned_levin import LearnedLevin, Solve


def drawn(height: int, width: int, *, hints: bool = True) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    condition = torch.rand(2, 4, height, width, dtype=torch.float64, generator=generator) * 2 - 1
    condition[:, 3] = (condition[:, 3] > 0.8).double() * hints
    condition[:, 1:3] *= condition[:, 3:]
    return condition


def trained(**options: int) -> LearnedLevin:
    """As if it had learned: every parameter somewhere, so that gate, trust and proposal are all at work."""
    torch.manual_seed(1)
    network = LearnedLevin(**{"width": 4, "features": 3, **options}).double()
    with torch.no_grad():
        for layer in (network.edges.mixed, network.proposal.colours, network.proposal.trust):
            layer.weight.normal_(std=1e-3)
        network.edges.mixed.bias.fill_(0.02)
        network.edges.features.weight.normal_(std=0.03)
        network.proposal.colours.bias.copy_(torch.tensor([0.1, -0.2]))
        network.proposal.trust.bias.fill_(0.05)
    return network


def test_it_starts_as_levin(hinted: Callable) -> None:
    condition = hinted(4, 0.02).condition
    torch.testing.assert_close(LearnedLevin()(condition)["ab"], Levin2004()(condition), atol=2e-5, rtol=0)


def edges_of(network: LearnedLevin, condition: torch.Tensor) -> torch.Tensor:
    return network.edges(network.seen(condition[:, :1]), (condition[:, :1] + 1) / 2).detach()


def test_it_solves_its_own_equations_as_a_dense_solver_does() -> None:
    network, condition = trained(), drawn(6, 7)
    weights, known = edges_of(network, condition)[0].numpy(), condition[0, 3].numpy() > 0
    np.testing.assert_allclose(weights.sum(0), 1, atol=1e-12)
    system, right = np.eye(42), np.where(known, condition[0, 1:3].numpy(), 0).reshape(2, -1).T
    for y, x in zip(*np.nonzero(~known), strict=True):
        for number, (down, across) in enumerate(NEIGHBOURS):
            if 0 <= y + down < 6 and 0 <= x + across < 7:
                system[y * 7 + x, (y + down) * 7 + x + across] -= weights[number, y, x]
    expected = np.linalg.solve(system, right).T.reshape(2, 6, 7)
    torch.nn.init.zeros_(network.proposal.trust.weight)
    torch.nn.init.zeros_(network.proposal.trust.bias)
    np.testing.assert_allclose(network(condition)["ab"][0].detach().numpy(), expected, atol=1e-9)


def test_the_adjoint_solve_is_the_gradient_of_finite_differences() -> None:
    condition = drawn(4, 3)
    condition[1, 1:] = 0  # a photo without hints
    known, hints = condition[:, 3:] > 0, condition[:, 1:3]
    weights = edges_of(trained(), condition).requires_grad_()
    assert torch.autograd.gradcheck(lambda w: Solve.apply(w, hints, known, True), weights)


def test_the_edges_have_the_gradient_of_finite_differences() -> None:
    network, condition = trained(width=2, features=2), drawn(4, 5)
    torch.nn.init.zeros_(network.proposal.trust.bias)  # what is proposed has its own loss
    torch.nn.init.zeros_(network.proposal.trust.weight)
    learned = {name: each for name, each in network.named_parameters() if not name.startswith("proposal")}
    names, values = zip(*learned.items(), strict=True)

    def found(*parameters: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(network, dict(zip(names, parameters, strict=True)), condition)["ab"]

    wanted = torch.rand(2, 2, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    network.zero_grad()
    (found(*values) * wanted).sum().backward()
    for number, value in enumerate(values):
        direction = torch.randn(value.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(number))
        up, down = (
            (found(*values[:number], value + step * direction, *values[number + 1 :]) * wanted).sum().item()
            for step in (1e-6, -1e-6)
        )
        assert value.grad is not None
        assert (up - down) / 2e-6 == pytest.approx(float((value.grad * direction).sum()), rel=1e-4, abs=1e-7)


def test_hints_are_kept_to_the_bit() -> None:
    condition = drawn(9, 8)
    mask = condition[:, 3:] > 0
    found = trained()(condition)["ab"]
    assert torch.equal(found.where(mask, torch.zeros(())), condition[:, 1:3])


def test_a_photo_without_hints_has_the_colours_that_are_proposed() -> None:
    found = trained()(drawn(12, 10, hints=False))
    assert found["ab"].isfinite().all()
    assert found["ab"].abs().amax() > 0.05
    assert torch.equal(found["ab"], found["ab_proposal"])


def test_an_edge_of_the_symmetric_weights_is_one_from_both_sides() -> None:
    lightness = torch.rand(1, 1, 7, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    weights = symmetric_affinity(lightness)[0]
    for number, (down, across) in enumerate(NEIGHBOURS):
        back = weights[NEIGHBOURS.index((-down, -across))].roll((-down, -across), (0, 1))
        inside = weights[number] > 0
        torch.testing.assert_close(weights[number][inside], back[inside])
    middle = lightness[0, 0, 1:4, 2:5], lightness[0, 0, 1:4, 3:6]
    share = 0.6 * (middle[0].var(correction=0) + middle[1].var(correction=0)) / 2 + 2e-6
    expected = torch.exp(-(lightness[0, 0, 2, 3] - lightness[0, 0, 2, 4]).square() / share)
    torch.testing.assert_close(weights[NEIGHBOURS.index((0, 1)), 2, 3], expected)


def test_options_without_a_network_are_refused() -> None:
    with pytest.raises(BadInput, match="width=0"):
        LearnedLevin(width=0)
