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

        def f(z, t, recurrent=recurrent):
            scale = (recurrent.norm.running_var[t].view(1, -1, 1, 1) + 1e-5).sqrt()
            return F.relu(F.conv2d(z, recurrent.conv.weight, padding=1) / scale)

        y = f(y + f(y + f(y, 0), 1), 2)
    torch.testing.assert_close(block(x), projected + y, atol=1e-5, rtol=1e-5)


def test_in_training_it_is_one_batch_norm_and_in_evaluation_each_application_has_its_statistics():
    torch.manual_seed(0)
    block = Recurrent(4, 4, steps=2).train()
    x = torch.randn(8, 4, 16, 16)
    plain = nn.BatchNorm2d(4, affine=False)

    def f(z):
        return F.relu(plain(F.conv2d(z, block.conv.weight, padding=1)))

    expected = f(x + f(x + f(x)))
    for _ in range(60):
        trained = block(x)
    torch.testing.assert_close(trained, expected, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(block.norm.running_var[0], block.norm.running_var[1], rtol=0.1)
    torch.testing.assert_close(block.eval()(x), expected, atol=0.05, rtol=0.05)


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
