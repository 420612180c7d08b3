import torch
import torch.nn.functional as F
from torch import nn

from zoo.parts.blocks.residual import Residual


def test_post_activation_equals_the_formula_of_he_2015():
    torch.manual_seed(0)
    block = Residual(4, 6)
    x = torch.randn(2, 4, 9, 5)
    first, second = (m for m in block.residual.modules() if isinstance(m, nn.Conv2d))
    inner = F.relu(_standardised(F.conv2d(x, first.weight, padding=1)))
    branch = _standardised(F.conv2d(inner, second.weight, padding=1))
    shortcut = _standardised(F.conv2d(x, block.shortcut[0].weight))
    torch.testing.assert_close(block(x), F.relu(branch + shortcut), atol=1e-5, rtol=1e-5)


def test_pre_activation_equals_the_formula_of_the_deep_residual_unet():
    torch.manual_seed(0)
    block = Residual(4, 6, preactivation=True)
    x = torch.randn(2, 4, 9, 5)
    first, second = (m for m in block.residual.modules() if isinstance(m, nn.Conv2d))
    inner = F.conv2d(F.relu(_standardised(x)), first.weight, padding=1)
    branch = F.conv2d(F.relu(_standardised(inner)), second.weight, second.bias, padding=1)
    shortcut = F.conv2d(x, block.shortcut.weight)
    torch.testing.assert_close(block(x), branch + shortcut, atol=1e-5, rtol=1e-5)


def test_the_shortcut_is_the_identity_where_channels_agree():
    x = torch.randn(2, 4, 6, 6)
    for preactivation in (False, True):
        block = Residual(4, 4, preactivation=preactivation)
        for parameter in block.residual.parameters():
            nn.init.zeros_(parameter)
        torch.testing.assert_close(block(x), x if preactivation else F.relu(x))


def _standardised(x):
    """A fresh batch norm, in training."""
    mean, variance = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), keepdim=True, unbiased=False)
    return (x - mean) / (variance + 1e-5).sqrt()
