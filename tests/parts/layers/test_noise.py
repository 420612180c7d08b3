"""Noise that is taken up from a checkpoint goes on where it was."""

from __future__ import annotations

import torch

from zoo.parts.layers.noise import Noise


def test_state_dict_carries_the_generator() -> None:
    first, second, like = Noise(), Noise(), torch.zeros(4, 3)
    first.normal(like)
    second.load_state_dict(first.state_dict())
    assert torch.equal(first.normal(like), second.normal(like))
    assert torch.equal(first.uniform(like), second.uniform(like))


def test_draws_leave_the_global_state_alone() -> None:
    noise = Noise()
    before = torch.get_rng_state()
    assert not torch.equal(noise.normal(torch.zeros(5)), noise.normal(torch.zeros(5)))
    assert torch.equal(before, torch.get_rng_state())
