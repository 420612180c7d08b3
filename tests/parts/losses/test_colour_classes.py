"""Rebalanced cross-entropy and photo classification."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from zoo.core.contracts import Batch
from zoo.parts.layers.ab_bins import gamut_bins
from zoo.parts.losses.classification import Classification
from zoo.parts.losses.rebalanced_ce import RebalancedCE


@pytest.fixture
def logits() -> torch.Tensor:
    return torch.randn(3, 313, 16, 12, generator=torch.Generator().manual_seed(0))


def softly_encoded(ab: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """One colour, by the text of the paper: ten nearest, Gaussian of σ 5, normalised."""
    distance = np.linalg.norm(bins - ab, axis=1)
    nearest = np.argsort(distance)[:10]
    z = np.zeros(len(bins))
    z[nearest] = np.exp(-(distance[nearest] ** 2) / 50)
    return z / z.sum()


def test_it_is_the_papers_sum(batch: Batch, logits) -> None:
    bins = gamut_bins()
    weights = torch.linspace(0.5, 2.0, 313)
    value = RebalancedCE()({"logits": logits, "bins": bins, "class_weights": weights}, batch)
    log_p = torch.log_softmax(logits.double(), 1).numpy()
    terms = []
    for photo in range(3):
        for i in range(16):
            for j in range(12):
                z = softly_encoded(batch.ab[photo, :, 4 * i, 4 * j].double().numpy() * 110, bins.numpy())
                terms.append(-weights[z.argmax()].item() * (z * log_p[photo, :, i, j]).sum())
    assert value.item() == pytest.approx(np.mean(terms), rel=1e-4)


def test_the_encoded_truth_is_the_best_answer(batch: Batch, logits) -> None:
    bins = gamut_bins()
    pixels = batch.ab[:, :, ::4, ::4].movedim(1, -1).double().numpy() * 110
    encoded = np.apply_along_axis(softly_encoded, -1, pixels, bins.numpy())
    z = torch.from_numpy(encoded).float().movedim(-1, 1)
    best = RebalancedCE()({"logits": z.clamp_min(1e-12).log(), "bins": bins}, batch)
    entropy = torch.special.entr(z).sum(1).mean()
    assert best.item() == pytest.approx(entropy.item(), rel=1e-3)
    assert best < RebalancedCE()({"logits": logits, "bins": bins}, batch)


def test_grey_photos_do_not_count(batch: Batch, logits) -> None:
    bins = gamut_bins()
    ab = batch.ab.clone()
    ab[1] = 4.9 / 110
    with_grey = RebalancedCE()({"logits": logits, "bins": bins}, replace(batch, ab=ab))
    colourful = [0, 2]
    without = RebalancedCE()({"logits": logits[colourful], "bins": bins}, replace(batch, ab=ab[colourful]))
    torch.testing.assert_close(with_grey, without)
    leaf = logits.clone().requires_grad_()
    only_grey = RebalancedCE()({"logits": leaf, "bins": bins}, replace(batch, ab=torch.zeros_like(ab)))
    only_grey.backward()
    assert only_grey.item() == 0
    assert not leaf.grad.any()


def test_classification_ignores_photos_without_label(batch: Batch) -> None:
    scores = torch.tensor([[2.0, 0.0], [0.0, 1.0], [5.0, -5.0]], requires_grad=True)
    labelled = replace(batch, extras={"label": torch.tensor([0, -1, 1])})
    by_hand = (np.log1p(np.exp(-2)) + np.log1p(np.exp(10))) / 2
    assert Classification()({"label_logits": scores}, labelled).item() == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize("extras", [{}, {"label": torch.tensor([-1, -1, -1])}])
def test_without_any_label_classification_is_zero_and_harmless(batch: Batch, extras) -> None:
    scores = torch.randn(3, 5, requires_grad=True)
    value = Classification()({"label_logits": scores}, replace(batch, extras=extras))
    value.backward()
    assert value.item() == 0
    assert not scores.grad.any()
