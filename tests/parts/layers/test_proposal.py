"""A proposal beside the hints: what it adds, where it is silent, and what its gradient reaches."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from zoo.parts.layers.proposal import Proposal
from zoo.parts.propagators.pyramid import PyramidPropagator, nearness


@pytest.fixture
def condition() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    condition = torch.rand(2, 4, 16, 12, generator=generator) * 2 - 1
    condition[:, 3] = (condition[:, 3] > 0.9).float()
    condition[1, 3] = 0
    condition[:, 1:3] *= condition[:, 3:]
    return condition


def believing(trust: float) -> Proposal:
    """Proposes its two maps."""
    proposal = Proposal(2)
    with torch.no_grad():
        proposal.colours.weight.copy_(torch.eye(2)[..., None, None])
        proposal.trust.bias.fill_(trust)
    return proposal


def test_full_trust_spreads_what_the_hints_correct_of_the_proposal(condition: Tensor) -> None:
    pyramid, seen = PyramidPropagator(), torch.rand(2, 2, 16, 12, generator=torch.Generator().manual_seed(1))
    lightness, hint_ab, mask = condition.split((1, 2, 1), dim=1)
    correction, _ = pyramid(torch.cat((lightness, (hint_ab - seen) * mask, mask), dim=1))
    found = believing(1.0)(seen, condition, pyramid)
    torch.testing.assert_close(found["ab"], torch.where(mask > 0, hint_ab, seen + correction), atol=1e-5, rtol=0)
    assert torch.equal(found["ab_proposal"], seen)


def test_a_proposal_that_is_off_by_the_same_everywhere_is_not_seen(condition: Tensor) -> None:
    pyramid, seen = PyramidPropagator(), torch.full((2, 2, 16, 12), 0.7)
    found = believing(1.0)(seen, condition, pyramid)["ab"]
    torch.testing.assert_close(found[0], pyramid(condition)[0][0], atol=1e-5, rtol=0)
    assert torch.equal(found[1], seen[1])


def test_a_proposal_that_is_right_is_right_everywhere(condition: Tensor) -> None:
    truth = torch.rand(2, 2, 16, 12, generator=torch.Generator().manual_seed(2)) - 0.5
    condition[:, 1:3] = truth * condition[:, 3:]
    torch.testing.assert_close(believing(1.0)(truth, condition, PyramidPropagator())["ab"], truth, atol=1e-5, rtol=0)


def test_without_trust_hints_alone_are_spread(condition: Tensor) -> None:
    seen = torch.rand(2, 2, 16, 12, generator=torch.Generator().manual_seed(3))
    found = believing(0.0)(seen, condition, PyramidPropagator())["ab"]
    torch.testing.assert_close(found[0], PyramidPropagator()(condition)[0][0], atol=1e-6, rtol=0)


def test_what_is_proposed_is_learned_by_its_own_loss_alone(condition: Tensor) -> None:
    seen = torch.rand(2, 2, 16, 12, generator=torch.Generator().manual_seed(4)).requires_grad_()
    proposal = believing(0.05)
    found = proposal(seen, condition, PyramidPropagator())
    found["ab"].sum().backward(retain_graph=True)
    assert seen.grad is None
    assert proposal.colours.weight.grad is None
    assert proposal.trust.weight.grad.abs().min() > 0
    found["ab_proposal"].square().sum().backward()
    assert seen.grad.abs().sum() > 0


def test_confidence_is_halved_with_every_halving_of_the_photo_that_a_hint_is_away() -> None:
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., 0, 0] = 1
    expected = torch.full((8, 8), 1 / 8)
    expected[:4, :4], expected[:2, :2], expected[0, 0] = 1 / 4, 1 / 2, 1
    assert torch.equal(nearness(mask)[0, 0], expected)
    assert not nearness(torch.zeros(1, 1, 8, 8)).any()
