"""Where a model computes."""

from __future__ import annotations

import itertools

import torch
from torch import nn


def device_of(model: nn.Module) -> torch.device:
    """Where a model's state lies; the CPU for one that has none."""
    first = next(itertools.chain(model.parameters(), model.buffers()), None)
    return first.device if first is not None else torch.device("cpu")
