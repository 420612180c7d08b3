"""What a colorizer costs: parameters, arithmetic, time and memory."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from zoo.core.contracts import Batch
from zoo.harness.scoring.machine_load import QUIET, Load

ATTEMPTS = 3
"""How often a time is taken while others keep the machine busy."""
DISTURBED = "costs were measured beside other work"
"""How the note of a disturbed time begins."""


class Timing(NamedTuple):
    """Milliseconds: the median of the repeats and their quartiles; and how busy the machine was (see ``Load``)."""

    median: float
    lower: float
    upper: float
    busy: float


def disturbances(busy: Mapping[str, float]) -> list[str]:
    """A note where a time was taken while others had the machine's cores.

    Args:
        busy: by what was timed, the share of :class:`zoo.harness.scoring.machine_load.Load`.
    """
    shares = [f"{what} waited {share:.2f} s a second for a core" for what, share in busy.items() if share > QUIET]
    return [f"{DISTURBED}: {', '.join(shares)}"] if shares else []


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
    operations: int = counter.get_total_flops()
    return operations / 1e9 / batch.ab.shape[0]


def inference(colorizer: nn.Module, batch: Batch, *, repeats: int = 10) -> Timing:
    """The time to colorize one photo: of ``repeats`` after two to warm up.

    Where others had the machine's cores meanwhile, it is taken again; the least disturbed attempt counts.
    """
    attempts: list[Timing] = []
    while len(attempts) < ATTEMPTS and not (attempts and attempts[-1].busy <= QUIET):
        attempts.append(_attempt(colorizer, batch, repeats))
    return min(attempts, key=lambda timing: timing.busy)


@torch.no_grad()
def _attempt(colorizer: nn.Module, batch: Batch, repeats: int) -> Timing:
    times = []
    load = Load()
    for repeat in range(repeats + 2):
        if repeat == 2:
            load = Load()
        started = time.perf_counter()
        colorizer(batch.condition, batch.extras)
        if batch.condition.device.type == "cuda":
            torch.cuda.synchronize(batch.condition.device)
        times.append((time.perf_counter() - started) * 1e3)
    busy = load.share()
    lower, median, upper = statistics.quantiles(times[2:], n=4, method="inclusive")
    return Timing(median, lower, upper, busy)


def peak_memory_mb(device: torch.device) -> float | None:
    """CUDA: the most that tensors took, MiB. CPU: the most the whole process had resident; None where unknown."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    try:
        import resource  # not on Windows
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
