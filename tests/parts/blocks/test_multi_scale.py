"""The multi-scale block: its branches, its reach, its size."""

import pytest
import torch

from zoo.core.assemble import make
from zoo.core.errors import BadInput
from zoo.parts.blocks.multi_scale import MultiScale


@pytest.mark.parametrize(("kernels", "reach"), [((3, 7), 13), ((3,), 5), ((1, 3, 5), 9)])
def test_it_reaches_as_far_as_its_largest_kernel_applied_twice(kernels, reach):
    torch.manual_seed(0)
    block = MultiScale(2, 16, kernels=kernels).eval()
    x = torch.randn(1, 2, 31, 31, requires_grad=True)
    block(x)[0, :, 15, 15].sum().backward()
    rows = x.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    assert rows.max() - rows.min() + 1 == reach


def test_the_size_is_msu_nets():
    """Its branches of 3 and 7, each with biases in front of the norms, which ours leave out, and the 1×1."""
    i, o = 32, 64
    msu_net = sum(k * k * i * o + o + k * k * o * o + o + 2 * 2 * o for k in (3, 7)) + 2 * o * o + o
    assert sum(p.numel() for p in MultiScale(i, o).parameters()) == msu_net - 4 * o


def test_every_branch_counts():
    torch.manual_seed(0)
    block = make("blocks", "multi_scale", 3, 5).eval()
    x = torch.randn(2, 3, 9, 6)
    whole = block(x)
    assert whole.shape == (2, 5, 9, 6)
    for branch in range(2):
        weight = block.mix.weight.detach().clone()
        with torch.no_grad():
            block.mix.weight[:, 5 * branch : 5 * branch + 5] = 0
        assert not torch.allclose(block(x), whole)
        with torch.no_grad():
            block.mix.weight.copy_(weight)


@pytest.mark.parametrize("kernels", [(), (3, 4), (0,)])
def test_even_or_no_kernels_are_one_sentence(kernels):
    with pytest.raises(BadInput, match="needs odd kernels"):
        MultiScale(2, 2, kernels=kernels)
