from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.color import rgb2hsv
from torch import Tensor

from zoo.core.color import lab_to_rgb, split_lab, to_uint8
from zoo.core.errors import UnknownName
from zoo.harness.data.bank import PhotoBank
from zoo.harness.data.batches import evaluation_batches
from zoo.harness.data.build import build_bank
from zoo.harness.data.extras import View, features, histogram, nearest, open_extras
from zoo.harness.data.folder import Folder


@pytest.fixture
def bank(folder: Path) -> PhotoBank:
    return build_bank(Folder("all", argument=folder), side=64)


def view(bank: PhotoBank, indices: list[int]) -> View:
    rgb = bank.tensor()[indices]
    return View(indices=torch.tensor(indices), rgb=rgb, ab=split_lab(rgb)[1])


def extra(name: str, bank: PhotoBank, indices: list[int], training: PhotoBank | None = None) -> Tensor:
    return open_extras([name], bank, training=training or bank, device="cpu")[name](view(bank, indices))


def test_the_truth_is_handed_on(bank: PhotoBank):
    seen = view(bank, [2, 0])
    assert torch.equal(extra("truth_ab", bank, [2, 0]), seen.ab)
    assert torch.equal(extra("rgb", bank, [2, 0]), seen.rgb)


def test_labels_are_those_of_the_photos_or_unknown(bank: PhotoBank):
    assert extra("label", bank, [2, 0]).tolist() == [-1, -1]
    labelled = replace(bank, labels=(7, 6, 5, 4, 3, 2, 1, 0))
    found = extra("label", labelled, [2, 0])
    assert (found.dtype, found.tolist()) == (torch.int64, [5, 7])


def test_saturation_is_scikit_images(bank: PhotoBank):
    found = extra("saturation", bank, list(range(8)))
    expected = [rgb2hsv(photo.transpose(1, 2, 0))[..., 1].mean() for photo in bank.pixels]
    assert found.shape == (8, 1)
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-5)


def test_the_histogram_averages_blocks_of_four_and_takes_any_size(bank: PhotoBank):
    seen = view(bank, [0, 1])
    found = histogram(None)(seen)
    expected = seen.ab.view(2, 2, 16, 4, 16, 4).mean((3, 5))
    torch.testing.assert_close(found, expected)
    odd = seen._replace(ab=torch.ones(1, 2, 65, 6))
    assert torch.equal(histogram(None)(odd), torch.ones(1, 2, 17, 2))


def test_the_reference_of_a_darker_copy_is_its_original(bank: PhotoBank):
    darker = (bank.pixels * 0.7).astype(np.uint8)
    found = nearest(torch.from_numpy(darker), bank.tensor(), device=torch.device("cpu"))
    assert found.tolist() == list(range(8))


def test_a_training_photo_is_never_its_own_reference(bank: PhotoBank):
    references = extra("reference", bank, list(range(8)))
    assert (references.shape, references.dtype) == ((8, 3, 64, 64), torch.uint8)
    for own, reference in zip(bank.tensor(), references, strict=True):
        assert not torch.equal(own, reference)
        assert any(torch.equal(reference, other) for other in bank.tensor())


def test_a_test_photos_reference_is_a_training_photo(bank: PhotoBank):
    test, training = bank.take([0, 1, 2]), bank.take([3, 4, 5, 6, 7])
    references = extra("reference", test, [2, 0], training)
    likeness = features(test.tensor()[[2, 0]]) @ features(training.tensor()).T
    assert torch.equal(references, training.tensor()[likeness.argmax(1)])


def test_likeness_is_blind_to_colour(photos: list[np.ndarray]):
    rgb = torch.from_numpy(np.stack(photos)).permute(0, 3, 1, 2)
    grey = (split_lab(rgb)[0] + 1) * 50
    neutral = to_uint8(lab_to_rgb(torch.cat((grey, torch.zeros_like(rgb[:, 1:], dtype=torch.float32)), 1)))
    own = (features(rgb) * features(neutral)).sum(1)
    assert own.min() > 1.98  # of 2


def test_an_unknown_extra_is_refused_with_the_nearest(bank: PhotoBank):
    with pytest.raises(UnknownName, match="'saturation'"):
        open_extras(["saturatoin"], bank, training=bank, device="cpu")


def test_evaluation_carries_the_extras(bank: PhotoBank, one_percent):
    extras = open_extras(["label", "reference"], bank, training=bank, device="cpu")
    options = {"size": 48, "batch_size": 5, "device": "cpu", "hint_seed": 0, "hint_sampler": one_percent}
    found = list(evaluation_batches(bank, **options, extras=extras))
    assert [one.batch.extras["reference"].shape[0] for one in found] == [5, 3]
    assert found[0].batch.extras["reference"].shape[1:] == (3, 48, 48)
