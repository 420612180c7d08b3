from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import torch
from torch import nn

from zoo.core.colorizer import Colorizer
from zoo.core.contracts import Batch
from zoo.core.errors import BadInput
from zoo.core.spec import RecipeRow
from zoo.harness.training.budget import Budget
from zoo.harness.training.loop import Training
from zoo.parts.losses.auxiliary import Auxiliary
from zoo.parts.losses.l2 import L2
from zoo.parts.networks.eigen_multiscale import EigenMultiscale
from zoo.parts.objectives.staged import Stage, Staged
from zoo.parts.objectives.supervised import Supervised

EIGEN = (
    Stage(until=0.6, freeze=("scale3.*",), losses={"auxiliary": 1.0}),
    Stage(train=("scale3.*",), losses={"l2": 2.0}),
)


class Stream:
    """The same random batches for ever."""

    def forever(self) -> Iterator[Batch]:
        generator = torch.Generator().manual_seed(0)
        while True:
            ab = torch.rand(2, 2, 32, 32, generator=generator) - 0.5
            lightness = torch.rand(2, 1, 32, 32, generator=generator)
            yield Batch(lightness, ab, torch.zeros_like(ab), torch.zeros_like(lightness))

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Any) -> None:
        """It has no state."""


class Normalised(nn.Module):
    """Two convolutions with batch norm and dropout, to be frozen apart."""

    stride = 1

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.Dropout(0.5))
        self.second = nn.Sequential(nn.Conv2d(4, 2, 1), nn.BatchNorm2d(2), nn.Dropout(0.5))

    def forward(self, condition: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(condition))


def training(network: nn.Module, losses: dict[str, Any], stages: tuple[Stage, ...], steps: int = 10) -> Training:
    colorizer = Colorizer(network, name="test")
    objective = Staged(colorizer, losses, stages=stages)
    recipe = RecipeRow(weight_decay=0.5, losses=dict.fromkeys(losses, 1.0))
    return Training(colorizer, objective, Stream(), recipe, Budget(steps=steps), device=torch.device("cpu"))


def train(training: Training, *, to: int | None = None) -> None:
    """Train to the end, or until so many steps are taken."""
    for _ in training.looks():
        if training.step == to:
            break


def snapshot(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def moved(module: nn.Module, before: dict[str, torch.Tensor]) -> set[str]:
    return {name for name, value in module.state_dict().items() if not torch.equal(value, before[name])}


def test_frozen_parameters_do_not_change_and_the_others_do():
    torch.manual_seed(0)
    network = EigenMultiscale(width=2, grid=2)
    run = training(network, {"auxiliary": (1.0, Auxiliary(loss="l2")), "l2": (1.0, L2())}, EIGEN)
    start = snapshot(network)
    train(run, to=6)
    assert {name.partition(".")[0] for name in moved(network, start)} == {"scale1", "scale2"}
    middle = snapshot(network)
    train(run)
    assert moved(network, middle) == {name for name in middle if name.startswith("scale3.")}


def test_each_stage_counts_its_own_losses_with_its_own_weights():
    network = EigenMultiscale(width=2, grid=2)
    losses = {"auxiliary": (1.0, Auxiliary(loss="l2")), "l2": (1.0, L2())}
    objective = Staged(Colorizer(network, name="test"), losses, stages=EIGEN)
    batch = next(Stream().forever())
    objective.begin_step(0.59)
    total, terms = objective.loss("colorizer", batch)
    assert set(terms) == {"auxiliary"}
    torch.testing.assert_close(total.detach(), terms["auxiliary"])
    objective.begin_step(0.6)
    total, terms = objective.loss("colorizer", batch)
    assert set(terms) == {"l2"}
    torch.testing.assert_close(total.detach(), 2 * terms["l2"])


def test_frozen_means_batch_statistics_and_dropout_too():
    torch.manual_seed(0)
    network = Normalised()
    run = training(network, {"l2": (1.0, L2())}, (Stage(freeze=("first.*",)),))
    before = snapshot(network)
    train(run)
    assert {name.partition(".")[0] for name in moved(network, before)} == {"second"}
    assert "second.1.running_mean" in moved(network, before)
    assert not network.first[2].training
    assert network.second[2].training


def test_a_pause_between_two_steps_thaws_nothing():
    network = Normalised()
    run = training(network, {"l2": (1.0, L2())}, (Stage(freeze=("first.*",)),))
    train(run, to=5)
    before = snapshot(network.first)
    train(run)  # puts the whole colorizer into training mode, as after a checkpoint
    assert not moved(network.first, before)


def test_what_an_earlier_stage_froze_is_trained_again():
    torch.manual_seed(0)
    network = Normalised()
    run = training(network, {"l2": (1.0, L2())}, (Stage(until=0.5, freeze=("first.*",)), Stage()))
    train(run, to=5)
    before = snapshot(network.first)
    train(run)
    assert {"0.weight", "1.running_mean"} <= moved(network.first, before)
    assert network.first[2].training


def test_what_was_frozen_from_the_start_stays_frozen():
    network = Normalised()
    network.first[0].requires_grad_(False)
    run = training(network, {"l2": (1.0, L2())}, (Stage(until=0.5, freeze=("second.*",)), Stage()))
    before = snapshot(network)
    train(run)
    assert not {"first.0.weight", "first.0.bias"} & moved(network, before)
    assert "first.1.weight" in moved(network, before)


def test_one_stage_of_everything_is_the_supervised_objective():
    colorizer = Colorizer(Normalised(), name="test")
    losses = {"l2": (3.0, L2())}
    batch = next(Stream().forever())
    staged = Staged(colorizer, losses)
    staged.begin_step(0.5)
    torch.manual_seed(0)
    value = staged.loss("colorizer", batch)[0]
    torch.manual_seed(0)
    assert torch.equal(value, Supervised(colorizer, losses).loss("colorizer", batch)[0])


def test_stages_are_read_from_plain_data():
    rows = [
        {"until": 0.6, "freeze": ["scale3.*"], "losses": {"auxiliary": 1}},
        {"train": ["scale3.*"], "losses": {"l2": 2}},
    ]
    assert msgspec.convert(rows, tuple[Stage, ...]) == EIGEN


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ((), "rising order"),
        ((Stage(until=0.5),), "the last 1"),
        ((Stage(until=0.5), Stage(until=0.5), Stage()), "rising order"),
        ((Stage(freeze=("scond.*",)),), "did you mean 'second"),
        ((Stage(freeze=("*",)),), "trains no parameter"),
        ((Stage(losses={"l3": 1.0}),), "did you mean 'l2'"),
    ],
)
def test_mistakes_are_told(stages, message):
    with pytest.raises(BadInput, match=message):
        Staged(Colorizer(Normalised(), name="test"), {"l2": (1.0, L2())}, stages=stages)


def test_it_wants_what_its_losses_want():
    loss = L2()
    loss.extras = ("label",)  # type: ignore[attr-defined]
    assert Staged(Colorizer(Normalised(), name="test"), {"l2": (1.0, loss)}).extras == ("label",)
