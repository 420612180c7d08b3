import pytest
import torch
import torch.nn.functional as F
from torch import nn

from zoo.core.errors import BadInput
from zoo.parts.blocks.recurrent import Recurrent
from zoo.parts.blocks.recurrent_residual import RecurrentResidual


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_one_convolution_is_applied_once_more_than_there_are_steps(steps):
    block = Recurrent(4, 4, steps=steps)
    assert _applications(block, torch.randn(1, 4, 8, 8)) == [steps + 1]


def test_rrcnn_has_two_recurrent_convolutions_of_three_applications_each_at_t_2():
    block = RecurrentResidual(3, 4)
    assert _applications(block, torch.randn(1, 3, 8, 8)) == [3, 3]


def test_t_does_not_change_the_number_of_parameters():
    counts = {sum(p.numel() for p in RecurrentResidual(3, 8, steps=t).parameters()) for t in (1, 2, 5)}
    assert len(counts) == 1


def test_equals_the_recursion_written_out():
    torch.manual_seed(0)
    block = RecurrentResidual(3, 4, steps=2).eval()
    x = torch.randn(2, 3, 7, 6)
    projected = F.conv2d(x, block.project.weight, block.project.bias)
    y = projected
    for recurrent in block.recurrent:
        weight, norm = recurrent.unit[0].weight, recurrent.unit[1]

        def f(z, weight=weight, norm=norm):
            return F.relu(F.conv2d(z, weight, padding=1) / (norm.running_var.view(1, -1, 1, 1) + 1e-5).sqrt())

        y = f(y + f(y + f(y)))
    torch.testing.assert_close(block(x), projected + y, atol=1e-5, rtol=1e-5)


def test_no_steps_is_refused():
    with pytest.raises(BadInput, match="steps=0"):
        Recurrent(4, 4, steps=0)


def _applications(block: nn.Module, x: torch.Tensor) -> list[int]:
    """How often each 3×3 convolution of the block runs in one forward pass."""
    calls: dict[nn.Module, int] = {}

    def count(module, *_):
        calls[module] = calls.get(module, 0) + 1

    for module in block.modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3):
            module.register_forward_hook(count)
    block(x)
    return list(calls.values())
