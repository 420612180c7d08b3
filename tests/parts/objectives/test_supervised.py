import pytest
import torch

from zoo.core.assemble import make
from zoo.core.contracts import Batch
from zoo.core.errors import BadInput
from zoo.core.resolve import build


def absolute(prediction, batch):
    return (prediction["ab"] - batch.ab).abs().mean()


def squared(prediction, batch):
    return (prediction["ab"] - batch.ab).square().mean()


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    lightness, ab = (torch.randn(2, c, 16, 16, generator=generator) for c in (1, 2))
    return Batch(lightness, ab, torch.zeros_like(ab), torch.zeros_like(lightness), {"truth_ab": ab})


def test_the_loss_is_the_weighted_sum_and_the_terms_are_unweighted(batch):
    objective = make("objectives", "supervised", build("gray"), {"l1": (2.0, absolute), "l2": (0.5, squared)})
    total, terms = objective.loss("colorizer", batch)
    expected = {"l1": batch.ab.abs().mean(), "l2": batch.ab.square().mean()}
    torch.testing.assert_close(dict(terms), expected)
    torch.testing.assert_close(total, 2 * expected["l1"] + 0.5 * expected["l2"])


def test_minimising_it_trains_the_colorizer(batch):
    torch.manual_seed(0)
    objective = make("objectives", "supervised", build("unet", width=4, depth=2), {"l1": (1.0, absolute)})
    assert tuple(objective.players) == ("colorizer",)
    objective.prepare([batch])
    optimizer = torch.optim.Adam(objective.parameters_of("colorizer"), lr=0.01)
    history = []
    for step in range(20):
        objective.begin_step(step / 20)
        total, terms = objective.loss("colorizer", batch)
        assert not terms["l1"].requires_grad
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        history.append(float(terms["l1"]))
    assert history[-1] < 0.95 * history[0]


def test_extras_reach_the_colorizer(batch):
    objective = make("objectives", "supervised", build("oracle_quarter"), {"l2": (1.0, squared)})
    total, _ = objective.loss("colorizer", batch)
    assert 0 < total < batch.ab.square().mean()


def test_no_losses_are_refused():
    with pytest.raises(BadInput, match="losses"):
        make("objectives", "supervised", build("gray"), {})
