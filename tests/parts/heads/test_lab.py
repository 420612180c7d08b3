"""Lightness and chroma from one head."""

from __future__ import annotations

import torch

from zoo.core.contracts import Batch
from zoo.parts.heads.lab import LabHead
from zoo.parts.losses.l1 import L1
from zoo.parts.losses.mix_legacy import MixLegacy


def test_the_legacy_loss_trains_all_three_channels_and_l1_only_two():
    head = LabHead(5)
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(1, 5, 40, 40, generator=generator)
    ab = torch.rand(1, 2, 40, 40, generator=generator) - 0.5
    lightness = torch.rand(1, 1, 40, 40, generator=generator) - 0.5
    batch = Batch(lightness, ab, torch.zeros_like(ab), torch.zeros_like(lightness))
    for loss, trained in ((MixLegacy(), [True, True, True]), (L1(), [False, True, True])):
        head.zero_grad()
        loss(head(features), batch).backward()
        assert head.project.weight.grad.flatten(1).any(1).tolist() == trained


def test_it_starts_at_grey():
    prediction = LabHead(32)(torch.randn(2, 32, 4, 4, generator=torch.Generator().manual_seed(1)))
    assert prediction["lightness"].shape == (2, 1, 4, 4)
    assert prediction["ab"].shape == (2, 2, 4, 4)
    assert prediction["ab"].abs().max() * 110 < 12
