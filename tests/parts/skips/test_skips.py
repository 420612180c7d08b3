"""What holds for every skip, and what concatenation and sum compute."""

import pytest
import torch
from torch import nn

from zoo.core.assemble import make
from zoo.core.registry import current

SKIPS = [
    *current().names("skips"),
    {"name": "attention_gate", "merge": "sum"},
    {"name": "attention_gate", "form": "grid"},
    {"name": "attention_gate", "form": "grid", "inner": 1.0, "closing": True},
    {"name": "attention_gate", "form": "grid", "merge": "sum"},
]


@pytest.mark.parametrize("ref", SKIPS, ids=str)
@pytest.mark.parametrize(("channels", "size"), [((8, 8), (8, 6)), ((6, 10), (7, 9)), ((1, 3), (1, 1))])
def test_keeps_the_size_announces_its_channels_and_lets_gradients_through(ref, channels, size):
    torch.manual_seed(0)
    merge = make("skips", ref, *channels)
    skip, gate = (torch.randn(3, c, *size, requires_grad=True) for c in channels)
    y = merge(skip, gate)
    assert y.shape == (3, merge.channels, *size)
    (y * torch.randn_like(y)).sum().backward()
    assert skip.grad.any()
    assert gate.grad.any()
    assert all(p.grad is not None for p in merge.parameters())


@pytest.mark.parametrize("ref", [ref for ref in SKIPS if ref != "concat"], ids=str)
def test_every_parameter_gets_a_gradient(ref):
    torch.manual_seed(0)
    merge = make("skips", ref, 6, 10)
    y = merge(torch.randn(3, 6, 9, 8), torch.randn(3, 10, 9, 8))
    (y * torch.randn_like(y)).sum().backward()
    for name, parameter in merge.named_parameters():
        assert parameter.grad.any(), name


def test_concat_puts_the_skip_first():
    skip, gate = torch.ones(1, 2, 3, 3), torch.zeros(1, 5, 3, 3)
    y = make("skips", "concat", 2, 5)(skip, gate)
    assert y.sum((0, 2, 3)).tolist() == [9, 9, 0, 0, 0, 0, 0]


def test_sum_adds_and_has_no_parameters_unless_channels_differ():
    skip, gate = torch.randn(1, 4, 3, 3), torch.randn(1, 4, 3, 3)
    merge = make("skips", "sum", 4, 4)
    assert torch.equal(merge(skip, gate), skip + gate)
    assert not list(merge.parameters())
    projection = next(m for m in make("skips", "sum", 4, 6).modules() if isinstance(m, nn.Conv2d))
    assert tuple(projection.weight.shape) == (6, 4, 1, 1)
