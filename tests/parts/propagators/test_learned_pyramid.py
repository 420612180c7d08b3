"""The learned pyramid: the unlearnt one at the start, differentiable and exportable, colours without hints."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from zoo.core.errors import BadInput
from zoo.parts.layers.propagation import System
from zoo.parts.propagators.learned_pyramid import LearnedPyramid
from zoo.parts.propagators.pyramid import PyramidPropagator


def trained(**options: int) -> LearnedPyramid:
    """As if it had learned: shares of learned edges, trust, proposals and a residual at work."""
    torch.manual_seed(0)
    network = LearnedPyramid(**{"width": 4, "depth": 3, "features": 3, **options})
    with torch.no_grad():
        for equations in network.learned:
            equations.features.weight.normal_(std=0.02)
            equations.answers.weight.normal_(std=1e-4)
            equations.answers.bias.copy_(torch.tensor([0.2, -0.3, 0.5, 0.01]))
        network.residual.weight.normal_(std=0.01)
    return network


def drawn(height: int, width: int, *, hints: bool = True, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    condition = torch.rand(2, 4, height, width, dtype=dtype, generator=generator) * 2 - 1
    condition[:, 3] = (condition[:, 3] > 0.8).to(dtype) * hints
    condition[:, 1:3] *= condition[:, 3:]
    return condition


@pytest.mark.parametrize("density", [0.0, 0.005, 0.05])
def test_it_starts_exactly_as_the_pyramid(hinted: Callable, density: float) -> None:
    condition = hinted(4, density).condition
    for found, expected in zip(LearnedPyramid()(condition), PyramidPropagator()(condition), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_a_level_solves_its_learned_equations_as_one_sparse_solve_does() -> None:
    network, condition = trained(sweeps=200).double(), drawn(12, 9, dtype=torch.float64)
    level = network.levels(condition)[0]
    with torch.no_grad():
        learned = network.learned[0](network.maps(condition)[0], level.lightness)
    assert learned.trust.min() > 0
    above = torch.rand(2, 2, 12, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found = network.spread(above, level, learned)
    pull = learned.trust + network.screening
    target = (learned.trust * learned.proposal + network.screening * above) / pull
    for photo in range(2):
        system = System(learned.weights[photo].numpy(), level.known[photo, 0].numpy(), pull[photo, 0].numpy())
        colour, proposal = (each[photo].permute(1, 2, 0).numpy() for each in (level.colour, target))
        np.testing.assert_allclose(found[photo].permute(1, 2, 0).numpy(), system.solve(colour, proposal), atol=1e-8)


def test_hints_are_kept_to_the_bit() -> None:
    condition = drawn(16, 13)
    found, confidence = trained()(condition)
    mask = condition[:, 3:] > 0
    assert torch.equal(found.where(mask, torch.zeros(())), condition[:, 1:3])
    assert (confidence[mask] == 1).all()


def test_a_photo_without_hints_has_colours_of_its_own() -> None:
    found, confidence = trained()(drawn(16, 16, hints=False))
    assert found.isfinite().all()
    assert found.abs().mean() > 0.02
    assert not confidence.any()


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (31, 33)])
def test_any_size_will_do(size: tuple[int, int]) -> None:
    found, confidence = trained()(drawn(*size))
    assert found.shape == (2, 2, *size)
    assert confidence.shape == (2, 1, *size)
    assert found.isfinite().all()


def test_every_photo_of_a_batch_is_coloured_alone() -> None:
    condition, network = drawn(20, 14), trained()
    alone = torch.cat([network(photo[None])[0] for photo in condition])
    torch.testing.assert_close(network(condition)[0], alone, atol=1e-5, rtol=0)


def test_the_gradient_is_that_of_finite_differences() -> None:
    network, condition = trained(width=2, depth=2, features=2, sweeps=4).double(), drawn(5, 4, dtype=torch.float64)
    for name, parameter in network.named_parameters():
        if name.endswith("0.bias"):  # at a bias of zero a ReLU that sees nothing has no derivative
            torch.nn.init.uniform_(parameter, 0.01, 0.1)
    names, values = zip(*network.named_parameters(), strict=True)
    wanted = torch.rand(2, 2, 5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))

    def loss(*parameters: torch.Tensor) -> torch.Tensor:
        ab, _ = torch.func.functional_call(network, dict(zip(names, parameters, strict=True)), condition)
        return (ab * wanted).sum()

    gradients = torch.autograd.grad(loss(*values), values)
    for number, (value, gradient) in enumerate(zip(values, gradients, strict=True)):
        direction = torch.randn(value.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(number))
        up, down = (
            loss(*values[:number], value + step * direction, *values[number + 1 :]).item() for step in (1e-6, -1e-6)
        )
        assert (up - down) / 2e-6 == pytest.approx(float((gradient * direction).sum()), rel=1e-4, abs=1e-6)


@pytest.mark.slow
def test_a_graph_traced_at_one_photo_gives_the_same_at_another() -> None:
    network = trained(depth=2, sweeps=4).eval()
    program = torch.export.export(network, (drawn(8, 6),))
    other = drawn(8, 6).flip(0, -1).contiguous()
    torch.testing.assert_close(program.module()(other)[0], network(other)[0], atol=1e-6, rtol=0)


def test_options_without_a_network_are_refused() -> None:
    with pytest.raises(BadInput, match="depth=1"):
        LearnedPyramid(depth=1)
    with pytest.raises(BadInput, match="sweeps=1"):
        LearnedPyramid(sweeps=1)
