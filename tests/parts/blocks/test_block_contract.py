"""What holds for every block, ours or an option of it."""

import pytest
import torch

from zoo.core.assemble import make
from zoo.core.errors import BadInput
from zoo.core.registry import current

BLOCKS = [
    *current().names("blocks"),
    {"name": "double_conv", "norm": "none"},
    {"name": "residual", "preactivation": True},
    {"name": "recurrent", "steps": 1},
    {"name": "multi_scale", "kernels": [1, 3, 5]},
]


@pytest.mark.parametrize("ref", BLOCKS, ids=str)
@pytest.mark.parametrize(("channels", "size"), [((5, 8), (13, 7)), ((8, 8), (1, 6)), ((8, 3), (2, 2))])
def test_keeps_the_size_and_gives_every_parameter_a_gradient(ref, channels, size):
    torch.manual_seed(0)
    before, after = channels
    block = make("blocks", ref, before, after)
    x = torch.randn(2, before, *size, requires_grad=True)
    y = block(x)
    assert y.shape == (2, after, *size)
    (y * torch.randn_like(y)).sum().backward()
    assert x.grad.any()
    for name, parameter in block.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name


@pytest.mark.parametrize("ref", BLOCKS, ids=str)
def test_the_input_is_not_changed(ref):
    """Rectifying in place must not reach what the caller still holds (a skip, say)."""
    x = torch.randn(2, 6, 5, 5)
    kept = x.clone()
    make("blocks", ref, 6, 6)(x)
    assert torch.equal(x, kept)


def test_a_norm_that_does_not_exist_is_refused():
    with pytest.raises(BadInput, match="norm"):
        make("blocks", "double_conv", 3, 4, norm="bach")
