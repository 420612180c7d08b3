"""The loop: what it optimises, how it goes on after a stop, and what ends it."""

from __future__ import annotations

import copy

import msgspec
import pytest
import torch
from torch import nn

from zoo.core.contracts import Batch
from zoo.core.errors import Diverged
from zoo.core.registry import current
from zoo.core.spec import RecipeRow
from zoo.harness.run.step_times import step_seconds
from zoo.harness.training.budget import Budget, TrainingClock
from zoo.harness.training.device import derive, generator
from zoo.harness.training.loop import Training, read_state, save_state


class Stream:
    """Random batches with a generator of their own."""

    def __init__(self):
        self.generator = generator(0, "stream")

    def forever(self):
        while True:
            ab = torch.rand(4, 2, 8, 8, generator=self.generator)
            lightness = torch.rand(4, 1, 8, 8, generator=self.generator)
            yield Batch(lightness, ab, torch.zeros_like(ab), torch.zeros_like(lightness))

    def state_dict(self):
        return {"generator": self.generator.get_state()}

    def load_state_dict(self, state):
        self.generator.set_state(state["generator"])


class Fit:
    """Mean squared error, with dropout's noise on the way."""

    players = ("colorizer",)

    def __init__(self, colorizer, poison_at=None, weight=1.0):
        self.colorizer, self.poison_at, self.calls, self.seen = colorizer, poison_at, 0, []
        self.weight = weight

    def prepare(self, data): ...

    def begin_step(self, progress):
        self.seen.append(progress)

    def parameters_of(self, player):
        return self.colorizer.parameters()

    def loss(self, player, batch):
        self.calls += 1
        error = self.weight * (self.colorizer(batch.condition) - batch.ab).square().mean()
        if self.poison_at == self.calls:
            error = error * float("nan")
        return error, {"l2": error.detach()}


def make(recipe=None, budget=None, precision="fp32", **options):
    torch.manual_seed(derive(0, "init"))
    network = nn.Sequential(nn.Conv2d(4, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Dropout(0.2), nn.Conv2d(8, 2, 1))
    objective = Fit(network, **options)
    recipe = recipe or RecipeRow(lr=1e-2, clip=1.0, ema=0.9, warmup=0.1)
    budget = budget or Budget(steps=40)
    return Training(network, objective, Stream(), recipe, budget, device=torch.device("cpu"), precision=precision)


def train(training, *, to=None):
    """Train to the end, or until so many steps are taken."""
    for _ in training.looks():
        if training.step == to:
            break


def test_the_loss_falls():
    training = make(budget=Budget(steps=120))
    losses = [look.log["colorizer"] for look in training.looks() if look.log]
    assert losses[-1] < 0.6 * losses[0]
    assert training.step == 120
    assert training.photos == 480


def test_in_fp16_gradients_are_scaled_so_that_small_ones_are_not_lost():
    """Below 6e-8 a gradient is 0 in fp16: these would all be."""
    training = make(budget=Budget(steps=60), precision="fp16", weight=1e-6)
    losses = [look.log["colorizer"] for look in training.looks() if look.log]
    assert losses[-1] < 0.75 * losses[0]


def test_in_fp16_a_step_whose_gradients_overflow_is_left_out():
    training = make(recipe=RecipeRow(lr=1e-2), precision="fp16", weight=1e4)
    before = copy.deepcopy(list(training.colorizer.parameters()))
    training.one_step()
    assert all(torch.equal(*each) for each in zip(before, training.colorizer.parameters(), strict=True))
    for _ in range(20):
        training.one_step()  # with half the scale after each that was left out
    assert not any(torch.equal(*each) for each in zip(before, training.colorizer.parameters(), strict=True))
    assert all(torch.isfinite(parameter).all() for parameter in training.colorizer.parameters())


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_a_run_that_was_stopped_reaches_the_same_numbers(precision, tmp_path):
    whole = make(precision=precision)
    train(whole)
    first = make(precision=precision)
    train(first, to=17)
    save_state({"training": first.state_dict()}, tmp_path / "checkpoint.pt")
    torch.rand(100)  # the process that goes on has another random state
    second = make(precision=precision)
    second.load_state_dict(read_state(tmp_path / "checkpoint.pt")["training"])
    assert second.step == 17
    train(second)
    for left, right in zip(whole.trained.state_dict().values(), second.trained.state_dict().values(), strict=True):
        assert torch.equal(left, right)
    assert second.photos == whole.photos


def test_it_goes_on_for_as_many_steps_as_it_was_begun_with():
    first = make(budget=Budget(steps=20))
    train(first, to=5)
    again = make(budget=Budget(seconds=60))  # whatever another machine would fill them with
    again.load_state_dict(first.state_dict())
    train(again)
    assert again.step == 20
    assert again.objective.seen[0] == 5 / 20


def test_a_step_is_measured_over_the_whole_training_without_the_first_and_without_others_work(monkeypatch):
    training, now = make(budget=Budget(seconds=3)), {"wall": 0.0, "cpu": 0.0}
    monkeypatch.setattr("time.perf_counter", lambda: now["wall"])
    monkeypatch.setattr("time.process_time", lambda: now["cpu"])
    step, first = training.one_step, [100.0]

    def at_work():
        took = first.pop() if first else (0.1 if training.progress < 0.5 else 0.3)
        now["cpu"] += took
        now["wall"] += 5 * took  # others had the core four fifths of the time
        return step()

    training.one_step = at_work
    assert step_seconds(training) == pytest.approx(0.2)


@pytest.mark.parametrize("after", [0, 13])
@pytest.mark.parametrize("look_ahead", [Training.warm_up, step_seconds])
def test_warming_up_and_measuring_leave_no_trace(after, look_ahead, monkeypatch):
    monkeypatch.setattr("zoo.harness.run.step_times.LEAST_SECONDS", 0.001)
    warmed, plain = make(), make()
    for training in (warmed, plain):
        torch.manual_seed(1)
        if after:
            train(training, to=after)
    generators = torch.get_rng_state()
    seconds, photos = warmed.seconds, warmed.photos
    look_ahead(warmed)
    assert torch.equal(torch.get_rng_state(), generators)
    assert (warmed.step, warmed.seconds, warmed.photos) == (after, seconds, photos)
    for training in (plain, warmed):
        torch.set_rng_state(generators)
        train(training)
    for of_plain, of_warmed in ((plain.colorizer, warmed.colorizer), (plain.ema.module, warmed.ema.module)):
        expected = of_plain.state_dict()
        assert all(torch.equal(value, expected[name]) for name, value in of_warmed.state_dict().items())


def test_a_loss_that_is_not_finite_ends_the_run():
    training = make(poison_at=15)
    with pytest.raises(Diverged, match="not finite at step 20"):
        train(training)


def test_points_are_told_where_they_are_reached_and_once():
    training = make(budget=Budget(steps=40))
    points = (0.25, 0.5, 0.51, 0.9)
    told = [training.step for look in training.looks(points=points) if look.point]
    assert told == [10, 20, 21, 36]
    again = make(budget=Budget(steps=40))
    train(again, to=15)
    assert [again.step for look in again.looks(points=points) if look.point] == [20, 21, 36]


def test_it_trains_on_in_training_mode_whoever_has_looked_at_a_point():
    training, modes = make(budget=Budget(steps=4)), []
    step = training.one_step
    training.one_step = lambda: modes.append(training.colorizer.training) or step()
    for look in training.looks(points=(0.5,)):
        if look.point:
            training.colorizer.eval()
    assert modes == [True] * 4


def test_checkpoints_are_due_at_logs_but_the_last():
    training = make(budget=Budget(steps=30))
    assert [training.step for look in training.looks(save_every=0.0) if look.checkpoint_due] == [10, 20]
    again = make(budget=Budget(steps=30))
    assert not [look for look in again.looks(save_every=1e9) if look.checkpoint_due]


def test_progress_is_told_before_every_step():
    training = make(budget=Budget(steps=4))
    train(training)
    assert training.objective.seen == [0, 0.25, 0.5, 0.75]


def test_what_the_log_costs_is_not_training_time():
    now = [0.0]
    training = make(budget=Budget(steps=20))
    training.clock = TrainingClock(wall=lambda: now[0], cpu=lambda: 0.0)
    for _ in training.looks():
        now[0] += 1000
    assert training.seconds == 0
    assert now[0] > 0
    assert training.clock.gaps == 0


def test_a_standstill_is_not_counted_and_travels_with_the_training():
    now = [0.0, 0.0]
    training = make(budget=Budget(steps=11))
    training.clock = TrainingClock(wall=lambda: now[0], cpu=lambda: now[1])
    step = training.one_step

    def at_work():
        stopped = training.step == 2
        now[0] += 500 if stopped else 1
        now[1] += 0 if stopped else 1
        return step()

    training.one_step = at_work
    train(training)
    assert (training.seconds, training.clock.gaps) == (10, 500)
    again = make(budget=Budget(steps=11))
    again.load_state_dict(training.state_dict())
    assert (again.clock.seconds, again.clock.gaps) == (10, 500)


def test_decay_spares_biases_and_norms():
    recipe = RecipeRow(lr=1e-2, weight_decay=0.5)
    training = make(recipe)
    groups = training._optimizers["colorizer"].param_groups
    assert {p.ndim for p in groups[1]["params"]} == {1}
    assert [g["weight_decay"] for g in groups] == [0.5, 0.0]


@pytest.mark.parametrize("optimizer", current().names("optimizers"))
def test_every_optimizer_moves_the_weights(optimizer):
    training = make(msgspec.structs.replace(RecipeRow(), optimizer=optimizer, lr=0.1))
    before = copy.deepcopy(training.colorizer.state_dict())
    training.one_step()
    assert not torch.equal(before["0.weight"], training.colorizer.state_dict()["0.weight"])


def test_purposes_have_generators_of_their_own():
    assert derive(0, "order") != derive(0, "hints") != derive(1, "hints")
    # SHA-256 of "5:order", as `printf 5:order | sha256sum` gives it: in every process and on every machine the same.
    assert derive(5, "order") == int("6f515c31948f3e41", 16) >> 1
    assert 0 <= derive(0, "order") < 2**63
