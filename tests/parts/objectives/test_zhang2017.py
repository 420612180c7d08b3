"""Two phases: which head the trunk learns from, and whether there are hints."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zoo.core.colorizer import Colorizer
from zoo.core.contracts import Batch
from zoo.core.errors import BadInput
from zoo.parts.losses.l1 import L1
from zoo.parts.losses.rebalanced_ce import RebalancedCE
from zoo.parts.networks.zhang2017 import Zhang2017
from zoo.parts.objectives.zhang2017 import Zhang2017 as Staged

CLASSIFY = {"rebalanced_ce": (1.0, RebalancedCE(k=1))}
REGRESS = {"l1": (20.0, L1())}
TRUNK = ("conv1", "conv2", "conv3", "conv4", "conv5", "conv6", "conv7", "conv8", "up8", "skip3to8")
REGRESSION = ("conv9", "conv10", "up9", "up10", "skip2to9", "skip1to10", "regress")


@pytest.fixture
def colorizer():
    torch.manual_seed(0)
    return Colorizer(Zhang2017(width=4))


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    ab = torch.rand(2, 2, 32, 32, generator=generator) - 0.5
    mask = (torch.rand(2, 1, 32, 32, generator=generator) < 0.1).float()
    return Batch(torch.rand(2, 1, 32, 32, generator=generator) - 0.5, ab, ab * mask, mask)


def learning(colorizer, losses, batch, progress):
    """The modules that get a gradient at this point of the training."""
    colorizer.zero_grad(set_to_none=True)
    objective = Staged(colorizer, losses)
    objective.begin_step(progress)
    objective.loss("colorizer", batch)[0].backward()
    reached = {name.split(".")[0] for name, p in colorizer.network.named_parameters() if p.grad is not None}
    return reached


@pytest.mark.parametrize(
    ("progress", "losses", "expected"),
    [
        (0.0, CLASSIFY, {*TRUNK, "quantized"}),
        (0.0, REGRESS, set(REGRESSION)),
        (0.5, REGRESS, set(REGRESSION)),
        (0.6, CLASSIFY, {"quantized"}),
        (0.6, REGRESS, {*TRUNK, *REGRESSION}),
    ],
)
def test_the_trunk_learns_from_one_head_the_other_sees_it_frozen(colorizer, batch, progress, losses, expected):
    assert learning(colorizer, losses, batch, progress) == expected


def test_hints_are_taken_away_in_the_first_phase_only(colorizer, batch):
    seen = []
    colorizer.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    objective = Staged(colorizer, REGRESS)
    for progress in (0.0, 0.9):
        objective.begin_step(progress)
        objective.loss("colorizer", batch)
    assert not seen[0][:, 1:].any()
    assert torch.equal(seen[0][:, :1], batch.lightness)
    assert torch.equal(seen[1], batch.condition)


def test_the_phase_does_not_change_what_is_predicted(colorizer, batch):
    colorizer.eval()
    with torch.no_grad():
        colorizer.network.trained_by = "classification"
        first = colorizer(batch.condition)
        colorizer.network.trained_by = "regression"
        second = colorizer(batch.condition)
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_one_phase_is_possible_and_other_networks_are_refused(colorizer, batch):
    assert "conv1" in learning(colorizer, REGRESS, batch, 0.999)
    objective = Staged(colorizer, REGRESS, classification=0.0)
    objective.begin_step(0.0)
    assert colorizer.network.trained_by == "regression"
    with pytest.raises(BadInput, match="two heads"):
        Staged(Colorizer(nn.Sequential(nn.Conv2d(4, 2, 1))), REGRESS)
    with pytest.raises(BadInput, match="classification"):
        Staged(colorizer, REGRESS, classification=1.5)
