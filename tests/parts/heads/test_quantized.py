"""The quantized head on any features, and under its loss."""

from __future__ import annotations

import pytest
import torch

from zoo.core.contracts import Batch
from zoo.core.errors import BadInput
from zoo.parts.heads.quantized import QuantizedHead
from zoo.parts.losses.rebalanced_ce import RebalancedCE


@pytest.mark.parametrize(("size", "pool", "small"), [((8, 12), 1, (8, 12)), ((8, 12), 4, (2, 3)), ((1, 1), 4, (1, 1))])
def test_sizes(size, pool, small):
    prediction = QuantizedHead(6, pool=pool)(torch.randn(2, 6, *size))
    assert prediction["ab"].shape == (2, 2, *small)
    assert prediction["logits"].shape == (2, 313, *small)
    assert prediction["bins"].shape == (313, 2)


def test_its_loss_teaches_it_a_colour():
    torch.manual_seed(0)
    head = QuantizedHead(4, temperature=0.38)
    features = torch.ones(1, 4, 6, 6)
    truth = torch.tensor([30.0, -40.0]).view(1, 2, 1, 1).expand(1, 2, 6, 6) / 110
    batch = Batch(torch.zeros(1, 1, 6, 6), truth, torch.zeros_like(truth), torch.zeros(1, 1, 6, 6))
    optimizer = torch.optim.Adam(head.parameters(), lr=0.1)
    for _ in range(100):
        optimizer.zero_grad()
        RebalancedCE()(head(features), batch).backward()
        optimizer.step()
    assert (head(features)["ab"] - truth).abs().max() * 110 < 2


@pytest.mark.parametrize("options", [{"temperature": 0.0}, {"temperature": float("nan")}, {"pool": 0}, {"bins": 1}])
def test_what_cannot_be_is_refused(options):
    with pytest.raises(BadInput):
        QuantizedHead(4, **options)
