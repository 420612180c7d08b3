"""Class weights from the training photos themselves."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from zoo.core.color import rgb_to_lab, split_lab
from zoo.core.colorizer import Colorizer
from zoo.core.contracts import Batch
from zoo.core.errors import BadInput
from zoo.parts.losses.rebalanced_ce import RebalancedCE
from zoo.parts.networks.zhang2016 import Zhang2016
from zoo.parts.objectives.rebalanced import Rebalanced

LOSSES = {"rebalanced_ce": (1.0, RebalancedCE())}


@pytest.fixture(scope="module")
def data(photos):
    batches = []
    for photo in photos[:4]:
        lightness, ab = split_lab(torch.from_numpy(photo).movedim(-1, 0)[None])
        batches.append(Batch(lightness, ab, torch.zeros_like(ab), torch.zeros_like(lightness)))
    return batches


def prior_of(photos, bins):
    """Written out in float64: ten nearest bins of every fourth pixel, a Gaussian of σ = 5 over their distance."""
    total = np.zeros(len(bins))
    for photo in photos:
        lab = rgb_to_lab(torch.from_numpy(photo).movedim(-1, 0)[None])[0, 1:, ::4, ::4].double().numpy()
        for colour in lab.reshape(2, -1).T[::7]:
            distance = np.square(bins - colour).sum(1)
            near = np.argsort(distance)[:10]
            weight = np.exp(-distance[near] / 50)
            total[near] += weight / weight.sum()
    return total / total.sum()


def test_the_expected_weight_over_the_photos_is_one(photos, data):
    colorizer = Colorizer(Zhang2016(width=4))
    Rebalanced(colorizer, LOSSES).prepare(data)
    weights = colorizer.network.quantized.class_weights.double().numpy()
    prior = prior_of(photos[:4], colorizer.network.quantized.bins.double().numpy())
    assert abs((prior * weights).sum() - 1) < 0.02  # every seventh pixel stands for all here
    paper = 1 / (0.5 * prior + 0.5 / 313)
    paper /= (prior * paper).sum()
    common = prior > 1e-3
    np.testing.assert_allclose(weights[common], paper[common], rtol=0.2)
    assert weights[prior.argmax()] == weights.min()


def test_the_weights_are_in_the_checkpoint_and_reach_the_loss(data):
    colorizer = Colorizer(Zhang2016(width=4)).eval()
    objective = Rebalanced(colorizer, LOSSES)
    with torch.no_grad():
        before, _ = objective.loss("colorizer", data[0])
        objective.prepare(data)
        after, _ = objective.loss("colorizer", data[0])
    assert before != after
    restored = Zhang2016(width=4)
    restored.load_state_dict(colorizer.network.state_dict())
    assert torch.equal(restored.quantized.class_weights, colorizer.network.quantized.class_weights)


def test_all_alike_when_only_the_uniform_distribution_counts(data):
    colorizer = Colorizer(Zhang2016(width=4))
    Rebalanced(colorizer, LOSSES, mix=1.0).prepare(data)
    torch.testing.assert_close(colorizer.network.quantized.class_weights, torch.ones(313))


def test_it_refuses_what_has_no_bins_and_data_that_is_empty():
    with pytest.raises(BadInput, match="plain"):
        Rebalanced(Colorizer(nn.Sequential(nn.Conv2d(4, 2, 1)), name="plain"), LOSSES)
    with pytest.raises(BadInput, match="no training photo"):
        Rebalanced(Colorizer(Zhang2016(width=4)), LOSSES).prepare([])
    with pytest.raises(BadInput, match="mix"):
        Rebalanced(Colorizer(Zhang2016(width=4)), LOSSES, mix=0.0)
