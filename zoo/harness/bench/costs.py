"""What a colorizer costs: parameters, arithmetic, time and memory."""

from __future__ import annotations

import resource
import statistics
import sys
import time

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from zoo.core.contracts import Batch


def parameters_m(module: nn.Module) -> float:
    """Parameters in millions, each counted once."""
    return sum(p.numel() for p in module.parameters()) / 1e6


@torch.no_grad()
def gflops(colorizer: nn.Module, batch: Batch) -> float:
    """Arithmetic of colorizing one photo, 10⁹ operations, a multiply-add counted as two.

    Counts convolutions and matrix products, as ``torch.utils.flop_counter`` does.
    """
    with FlopCounterMode(display=False) as counter:
        colorizer(batch.condition, batch.extras)
    return counter.get_total_flops() / 1e9 / batch.ab.shape[0]


@torch.no_grad()
def inference_ms(colorizer: nn.Module, batch: Batch, *, repeats: int = 10) -> float:
    """Milliseconds to colorize one photo: the median of ``repeats`` after two to warm up."""
    condition, extras = batch.condition, batch.extras
    times = []
    for _ in range(repeats + 2):
        started = time.perf_counter()
        colorizer(condition, extras)
        if condition.device.type == "cuda":
            torch.cuda.synchronize(condition.device)
        times.append((time.perf_counter() - started) * 1e3)
    return statistics.median(times[2:])


def peak_memory_mb(device: torch.device) -> float:
    """CUDA: the most that tensors took, MiB. CPU: the most the whole process had resident."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
