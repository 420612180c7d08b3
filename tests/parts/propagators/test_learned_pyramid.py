"""The learned pyramid: the unlearnt one at the start, differentiable and exportable, its proposal without hints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from zoo.core.errors import BadInput
from zoo.parts.layers.propagation import weight_matrix
from zoo.parts.propagators.learned_pyramid import LearnedPyramid
from zoo.parts.propagators.spun_pyramid import PYRAMIDS

upon_each = pytest.mark.parametrize("upon", list(PYRAMIDS))


def trained(**options: Any) -> LearnedPyramid:
    """As if it had learned: shares of learned edges, a proposal and trust in it at work."""
    torch.manual_seed(0)
    network = LearnedPyramid(**{"width": 4, "depth": 3, "features": 3, **options})
    with torch.no_grad():
        for edges in network.edges:
            edges.features.weight.normal_(std=0.02)
            edges.mixed.weight.normal_(std=1e-4)
            edges.mixed.bias.fill_(0.01)
        network.proposal.colours.weight.normal_(std=0.02)
        network.proposal.colours.bias.copy_(torch.tensor([0.2, -0.3]))
        network.proposal.trust.weight.normal_(std=1e-3)
        network.proposal.trust.bias.fill_(0.05)
    return network


def drawn(height: int, width: int, *, hints: bool = True, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    condition = torch.rand(2, 4, height, width, dtype=dtype, generator=generator) * 2 - 1
    condition[:, 3] = (condition[:, 3] > 0.8).to(dtype) * hints
    condition[:, 1:3] *= condition[:, 3:]
    return condition


@upon_each
@pytest.mark.parametrize("density", [0.0, 0.005, 0.05])
def test_it_starts_exactly_as_what_it_is_upon(hinted: Callable, density: float, upon: str) -> None:
    condition = hinted(4, density).condition
    found = LearnedPyramid(upon=upon)(condition)
    unlearnt = PYRAMIDS[upon](sweeps=24, screening=0.01, share=0.4)
    with torch.enable_grad():  # as the learned one's, with a gradient; else in place, whose sums round otherwise
        expected = unlearnt(condition.clone().requires_grad_())
    for name, its in zip(("ab", "confidence"), expected, strict=True):
        torch.testing.assert_close(found[name], its, atol=1e-6, rtol=0)


def test_a_level_solves_its_learned_equations_as_a_dense_solver_does() -> None:
    """(1 + λ) U = W U + λ U_above."""
    network, condition = trained(sweeps=200).double(), drawn(12, 9, dtype=torch.float64)
    level = network.pyramid.levels(condition)[0]
    with torch.no_grad():
        weights = network.edges[0](network.seen[0](2 * level.lightness - 1), level.lightness)
    above = torch.rand(2, 2, 12, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found, screening = network.pyramid.spread(above, level, weights), network.pyramid.screening
    for photo in range(2):
        held = level.known[photo].flatten().numpy()[:, None]
        system = np.where(held, 0, -weight_matrix(weights[photo].numpy()).toarray())
        system += np.diag(np.where(held[:, 0], 1, 1 + screening))
        colour, pull = (each[photo].flatten(1).T.numpy() for each in (level.colour, screening * above))
        expected = np.linalg.solve(system, np.where(held, colour, pull))
        np.testing.assert_allclose(found[photo].flatten(1).T.numpy(), expected, atol=1e-8)


@upon_each
def test_hints_are_kept_to_the_bit(upon: str) -> None:
    condition = drawn(16, 13)
    found = trained(upon=upon)(condition)
    mask = condition[:, 3:] > 0
    assert torch.equal(found["ab"].where(mask, torch.zeros(())), condition[:, 1:3])
    assert (found["confidence"][mask] == 1).all()


@upon_each
def test_a_photo_without_hints_has_the_colours_that_are_proposed(upon: str) -> None:
    found = trained(upon=upon)(drawn(16, 16, hints=False))
    assert torch.equal(found["ab"], found["ab_proposal"])
    assert found["ab"].abs().mean() > 0.1
    assert not found["confidence"].any()


@upon_each
@pytest.mark.parametrize("size", [(1, 1), (2, 9), (31, 33)])
def test_any_size_will_do(size: tuple[int, int], upon: str) -> None:
    found = trained(upon=upon)(drawn(*size))
    assert {name: tuple(each.shape[:2]) for name, each in found.items()} == {
        "ab": (2, 2),
        "confidence": (2, 1),
        "ab_proposal": (2, 2),
    }
    assert all(each.shape[2:] == size and each.isfinite().all() for each in found.values())


@upon_each
def test_every_photo_of_a_batch_is_coloured_alone(upon: str) -> None:
    condition, network = drawn(20, 14), trained(upon=upon)
    alone = torch.cat([network(photo[None])["ab"] for photo in condition])
    torch.testing.assert_close(network(condition)["ab"], alone, atol=1e-5, rtol=0)


@upon_each
def test_the_edges_have_the_gradient_of_finite_differences(upon: str) -> None:
    small = {"width": 2, "depth": 2, "features": 2, "sweeps": 4, "upon": upon}
    network, condition = trained(**small).double(), drawn(5, 4, dtype=torch.float64)
    torch.nn.init.zeros_(network.proposal.trust.bias)  # what is proposed has its own loss
    torch.nn.init.zeros_(network.proposal.trust.weight)
    learned = {name: each for name, each in network.named_parameters() if name.split(".")[0] in ("seen", "edges")}
    names, values = zip(*learned.items(), strict=True)
    wanted = torch.rand(2, 2, 5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))

    def loss(*parameters: torch.Tensor) -> torch.Tensor:
        found = torch.func.functional_call(network, dict(zip(names, parameters, strict=True)), condition)
        return (found["ab"] * wanted).sum()

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
    torch.testing.assert_close(program.module()(other)["ab"], network(other)["ab"], atol=5e-6, rtol=0)


def test_options_without_a_network_are_refused() -> None:
    with pytest.raises(BadInput, match="depth=1"):
        LearnedPyramid(depth=1)
    with pytest.raises(BadInput, match="sweeps=1"):
        LearnedPyramid(sweeps=1)
