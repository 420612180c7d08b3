from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from zoo.core.color import split_lab
from zoo.core.errors import BadInput
from zoo.harness.data.bank import PhotoBank
from zoo.harness.data.batches import Evaluation, evaluation_batches
from zoo.harness.data.build import build_bank
from zoo.harness.data.folder import Folder


@pytest.fixture
def bank(folder: Path) -> PhotoBank:
    return build_bank(Folder("all", argument=folder), side=72)


def evaluate(bank: PhotoBank, sampler, *, batch_size: int = 3, hint_seed: int = 0) -> list[Evaluation]:
    return list(
        evaluation_batches(
            bank, size=64, batch_size=batch_size, device="cpu", hint_seed=hint_seed, hint_sampler=sampler
        )
    )


def masks(found: list[Evaluation]) -> Tensor:
    return torch.cat([one.batch.hint_mask for one in found])


def test_every_photo_comes_once_in_order_from_its_middle(bank: PhotoBank, one_percent):
    found = evaluate(bank, one_percent)
    assert [len(one.names) for one in found] == [3, 3, 2]
    assert tuple(name for one in found for name in one.names) == bank.names
    assert [i for one in found for i in one.indices] == list(range(8))
    rgb = torch.cat([one.rgb for one in found])
    assert torch.equal(rgb, bank.tensor()[:, :, 4:68, 4:68])
    lightness, ab = split_lab(rgb)
    torch.testing.assert_close(torch.cat([one.batch.lightness for one in found]), lightness)
    torch.testing.assert_close(torch.cat([one.batch.ab for one in found]), ab)


@pytest.mark.parametrize("batch_size", [1, 2, 8, 100])
def test_hints_do_not_depend_on_the_batch_size(bank: PhotoBank, one_percent, batch_size: int):
    three, other = evaluate(bank, one_percent), evaluate(bank, one_percent, batch_size=batch_size)
    assert torch.equal(masks(three), masks(other))
    hints = [torch.cat([one.batch.hint_ab for one in found]) for found in (three, other)]
    torch.testing.assert_close(*hints, rtol=0, atol=1e-6)


def test_a_photos_hints_follow_its_name_and_not_its_neighbours(bank: PhotoBank, one_percent):
    everything = masks(evaluate(bank, one_percent))
    assert torch.equal(masks(evaluate(bank.take([6, 1]), one_percent)), everything[[6, 1]])


def test_photos_and_seeds_have_hints_of_their_own(bank: PhotoBank, one_percent):
    drawn = torch.cat([masks(evaluate(bank, one_percent, hint_seed=seed)) for seed in range(3)]).flatten(1)
    assert len({tuple(mask.nonzero().flatten().tolist()) for mask in drawn}) == 24


def test_a_size_above_the_banks_is_refused(bank: PhotoBank, one_percent):
    batches = evaluation_batches(bank, size=96, batch_size=2, device="cpu", hint_seed=0, hint_sampler=one_percent)
    with pytest.raises(BadInput, match="crop size 96"):
        next(batches)
