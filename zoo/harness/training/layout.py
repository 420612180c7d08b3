"""How a network's tensors lie in memory: channels last, but for the CPU's heaviest and widest convolutions."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import Tensor, nn

Module = TypeVar("Module", bound=nn.Module)

HEAVY = 2**20
"""Weights from which a convolution on the CPU keeps the plain layout.

There, with channels last, every backward pass copies such weights and their gradient into the other
order, which takes longer than the arithmetic of the small maps they are at work on: with FCN's fc6, 1024
filters of 128 × 7 × 7 on maps of 2 × 2, the copies are two fifths of a training step
(``benchmarks/speed/layout.py``).
"""

WIDE, WIDE_CHANNELS = 7, 32
"""Side and input channels from which a filter on the CPU keeps the plain layout, lighter as it may be.

With channels last oneDNN splits the sum over such a filter into parts that fit the second-level cache, so that the
rounding depends on the processor: with 2 MiB or 512 KiB in the place of 1, `msau_net` and `pan` had other weights
after one step of the suite quick; in the plain layout the same at all three. It takes as long.
"""


def channels_last(module: Module, device: torch.device) -> Module:
    """Move ``module`` to the device with its weights, and so its maps, in channels-last order.

    The numbers are the same but for rounding; ``state_dict`` keeps names and shapes. On the CPU a convolution
    of :data:`HEAVY` weights, or of :data:`WIDE` filters, stays in the plain order, and turns what it is given into it.
    """
    module.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if device.type == "cpu":
        for layer in module.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and (layer.weight.numel() >= HEAVY or _is_wide(layer)):
                layer.weight.data = layer.weight.data.contiguous()
                layer.register_forward_pre_hook(_in_plain_order)
    return module


def _is_wide(layer: nn.Conv2d | nn.ConvTranspose2d) -> bool:
    return min(layer.kernel_size) >= WIDE and layer.in_channels // layer.groups >= WIDE_CHANNELS


def _in_plain_order(layer: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    first, *rest = inputs
    return (first.contiguous() if isinstance(first, Tensor) else first, *rest)
