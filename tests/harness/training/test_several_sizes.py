"""Trainings whose batches are shown at several sizes: ``train_sizes`` of a suite."""

from __future__ import annotations

from itertools import islice

import msgspec
import pytest
import torch

from zoo.core.contracts import Batch
from zoo.core.errors import BadInput
from zoo.core.strict_yaml import decode
from zoo.harness.plan.keys import Rules
from zoo.harness.plan.planning import plan_runs, resolve_model
from zoo.harness.plan.suite import Suite, SuitePhotos, describe_data, load_suite, open_photos
from zoo.harness.run.workbench import Workbench
from zoo.harness.training import together
from zoo.harness.training.budget import Budget
from zoo.harness.training.loop import read_state, save_state

SIZES = (16, 32, 40, 40)
PHOTOS_A_STEP = (16 + 4 + 3 + 3) / 4


@pytest.fixture(scope="module")
def suite() -> Suite:
    return msgspec.structs.replace(load_suite("smoke"), train_sizes=SIZES, budget=Budget(steps=6), threads=1)


@pytest.fixture(scope="module")
def photos(suite: Suite) -> SuitePhotos:
    return open_photos(suite)


@pytest.fixture
def bench(suite: Suite, photos: SuitePhotos):
    """Working parts of a run, tiny."""

    def made(model: str = "unet", seed: int = 0, **changes) -> Workbench:
        asked = msgspec.structs.replace(suite, seeds=seed + 1, **changes)
        spec = resolve_model(model, asked, {"width": 4, "depth": 2})
        run = plan_runs(model, spec, Rules(asked, describe_data(asked, photos), "cpu"))[seed]
        return Workbench.of(run, photos=photos)

    return made


def batches(bench: Workbench, count: int) -> list[Batch]:
    return list(islice(bench.training.stream.forever(), count))


def equal(left: Batch, right: Batch) -> bool:
    return torch.equal(left.condition, right.condition) and torch.equal(left.ab, right.ab)


def test_a_seed_gives_every_model_the_same_batches_and_another_seed_others(bench):
    one, other_model, other_seed = (batches(bench(*asked), 5) for asked in (("unet",), ("edsr",), ("unet", 1)))
    assert all(map(equal, one, other_model))
    assert not all(map(equal, one, other_seed))
    assert len({batch.ab.shape for batch in one}) > 1


def test_a_training_that_was_stopped_in_the_middle_comes_to_the_same_weights(bench, tmp_path):
    whole, first, second = (bench().training for _ in range(3))
    for _ in whole.looks():
        pass
    for _ in first.looks():
        if first.step == 3:
            break
    save_state(first.state_dict(), tmp_path / "checkpoint.pt")
    second.load_state_dict(read_state(tmp_path / "checkpoint.pt"))
    for _ in second.looks():
        pass
    assert (second.step, second.photos) == (whole.step, whole.photos)
    weights = whole.colorizer.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in second.colorizer.state_dict().items())


def test_an_epoch_is_every_photo_once_on_the_average(bench, photos):
    training = bench(budget=Budget(epochs=2)).training
    assert training.budget.steps == -(-2 * len(photos.train) // PHOTOS_A_STEP)


@pytest.mark.parametrize("world", [2, 4])
def test_several_devices_share_every_size_or_none(bench, monkeypatch, world):
    """16 photos at 16 px and 4 at 32 can be shared out, 3 at 40 px cannot: that is said before the first step."""
    monkeypatch.setattr(together.dist, "get_world_size", lambda: world)
    whole = batches(bench(train_sizes=(16, 32)), 3)
    shares = []
    for rank in range(world):
        monkeypatch.setattr(together.dist, "get_rank", lambda rank=rank: rank)
        shares.append(batches_of_share(bench(train_sizes=(16, 32)), 3))
    for number, batch in enumerate(whole):
        torch.testing.assert_close(torch.cat([share[number].condition for share in shares]), batch.condition)
    with pytest.raises(BadInput, match=f"A batch of 3 photos cannot be shared out to {world} devices"):
        batches_of_share(bench(), 1)


def batches_of_share(bench: Workbench, count: int) -> list[Batch]:
    return list(islice(together._Shares(bench.training.stream).forever(), count))


def test_without_sizes_the_keys_are_those_of_before_and_with_them_others(bench):
    one, several = bench(train_sizes=None).run, bench().run
    assert "train_sizes" not in one.protocol.fields
    assert several.protocol.fields["train_sizes"] == list(SIZES)
    assert one.protocol.fingerprint != several.protocol.fingerprint
    assert one.training_key != several.training_key
    assert (one.protocol.trained_at, several.protocol.trained_at) == ([32], [16, 32, 40])


@pytest.mark.parametrize("sizes", [[], [32, 48]])
def test_sizes_that_the_photos_do_not_have_are_refused(sizes):
    with pytest.raises(BadInput, match="suite: a suite needs train_sizes ≤ load_size, one at least"):
        decode({"size": 32, "load_size": 40, "train_sizes": sizes}, Suite, "suite")
