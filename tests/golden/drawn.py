"""Numbers that are the same everywhere: inputs, weights, and a few numbers that stand for a tensor.

They come from numpy's ``RandomState``, whose streams are frozen for good, so that neither the machine nor torch's
version decides them.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

PROJECTIONS = 3
DIGITS = 6
"""Significant digits that are kept."""


def uniform(name: str, *shape: int) -> Tensor:
    """float32 in [0, 1), decided by the name."""
    state = np.random.RandomState(zlib.crc32(name.encode()))
    return torch.from_numpy(state.random_sample(shape).astype(np.float32))


def steady(part: object) -> None:
    """Give every trainable parameter, and every running statistic, a value that its name decides.

    Weights keep a signal's size through ReLUs (arXiv:1502.01852); what is frozen, such as a pretrained trunk, stays.
    """
    if not isinstance(part, nn.Module):
        return
    with torch.no_grad():
        for name, parameter in part.named_parameters():
            if parameter.requires_grad:
                drawn = uniform(name, *parameter.shape)
                if parameter.ndim > 1:
                    fan_in = max(parameter.numel() // parameter.shape[0], 1)
                    parameter.copy_((2 * drawn - 1) * math.sqrt(6 / fan_in))
                else:
                    parameter.copy_(0.2 * (drawn - 0.5) + float(name.endswith("weight")))
        for name, buffer in part.named_buffers():
            if name.endswith("running_mean"):
                buffer.copy_(0.2 * (uniform(name, *buffer.shape) - 0.5))
            elif name.endswith("running_var"):
                buffer.copy_(1 + uniform(name, *buffer.shape) / 2)


def start_of(part: object, fresh: Iterable[Tensor]) -> dict[str, Any]:
    """How a new module starts, and how much it drops: what :func:`steady` hides. Its weights are torch's draws.

    Args:
        fresh: what it gives as it was made; of each its root mean square is kept.
    """
    if not isinstance(part, nn.Module):
        return {}
    begun = {"fresh": [summary(tensor)[:2] for tensor in fresh]}
    sizes = [p.detach().double().square().mean().sqrt().item() for p in part.parameters() if p.requires_grad]
    dropped = sum(module.p for module in part.modules() if isinstance(module, nn.modules.dropout._DropoutNd))
    count = sum(p.numel() for p in part.parameters())
    start = {"start": kept(np.mean(sizes))} if sizes else {}
    return {"parameters": count, "dropout": round(dropped, DIGITS), **start, **begun}


def summary(tensor: Tensor) -> list[float]:
    """The tensor's shape as one number, its root mean square, and its projections on fixed vectors, of like size."""
    flat = tensor.detach().double().flatten()
    name = "x".join(map(str, tensor.shape))
    directions = [uniform(f"{name} {k}", flat.numel()).double() - 0.5 for k in range(PROJECTIONS)]
    scale = math.sqrt(12 / max(flat.numel(), 1))
    size = flat.square().mean().sqrt() if flat.numel() else flat.sum()
    return [float(zlib.crc32(name.encode())), *map(kept, [size, *(scale * (flat @ d) for d in directions)])]


def summaries(tensors: Iterable[Tensor]) -> list[list[float]]:
    return [summary(tensor) for tensor in tensors]


def kept(value: float | Tensor | np.floating) -> float:
    """Rounded to :data:`DIGITS` significant digits."""
    return float(f"{float(value):.{DIGITS}g}")
