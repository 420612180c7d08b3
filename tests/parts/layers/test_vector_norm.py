"""BatchNorm of vectors, for a batch of one too."""

from __future__ import annotations

import torch
from torch import nn

from zoo.parts.layers.vector_norm import VectorNorm


def test_it_is_torchs_for_more_than_one_vector():
    ours, theirs = VectorNorm(5), nn.BatchNorm1d(5)
    x = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(ours(x), theirs(x))
    assert torch.equal(ours.running_var, theirs.running_var)
    assert torch.equal(ours.eval()(x[:1]), theirs.eval()(x[:1]))


def test_a_single_vector_is_normalised_by_what_was_seen_before():
    norm = VectorNorm(5)
    norm(torch.randn(64, 5, generator=torch.Generator().manual_seed(1)) * 3 + 2)
    one = torch.ones(1, 5)
    before = norm.running_mean.clone()
    trained = norm.train()(one)
    assert torch.equal(norm.running_mean, before)
    assert torch.equal(trained, norm.eval()(one))
