"""What a colorizer costs: parameters, arithmetic, time and memory; how long it took to a given quality; and whether the
machine was there for the measurement alone, told by the share of the time in which this process had to wait.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from zoo.core.contracts import Batch
from zoo.harness.results.run_record import DISTURBED, CurvePoint
from zoo.harness.training.device import finish, tensors_peak_mb

ATTEMPTS = 3
"""How often a time is taken while others keep the machine busy."""


class Timing(NamedTuple):
    """Milliseconds: the median of the repeats and their quartiles; and how busy the machine was (see ``Load``)."""

    median: float
    lower: float
    upper: float
    busy: float


def disturbances(busy: Mapping[str, float]) -> list[str]:
    """A note where a time was taken while others had the machine's cores.

    Args:
        busy: by what was timed, the share of :class:`zoo.harness.scoring.costs.Load`.
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
        finish(batch.condition.device)
        times.append((time.perf_counter() - started) * 1e3)
    busy = load.share()
    lower, median, upper = statistics.quantiles(times[2:], n=4, method="inclusive")
    return Timing(median, lower, upper, busy)


def peak_memory_mb(device: torch.device) -> float | None:
    """CUDA: the most that tensors took, MiB. CPU: the most the whole process had resident; None where unknown."""
    if device.type == "cuda":
        return tensors_peak_mb(device)
    try:
        import resource  # not on Windows
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


_TASKS = Path("/proc/self/task")

QUIET = 0.1
"""Up to this share of waiting a measurement counts as undisturbed."""


class Load:
    """How much others got in the way since this object was made.

    Linux counts for every thread the nanoseconds in which it could have run and another one was on the core
    (Documentation/scheduler/sched-stats, ``/proc/<pid>/schedstat``, second field). Elsewhere the machine's load
    average of the last minute, beyond the cores there are, stands in for it.
    """

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._waited = _waited()

    def share(self) -> float:
        """Seconds of waiting a second, over all threads: 0 undisturbed, 1 a thread that had half a core."""
        elapsed = max(time.perf_counter() - self._started, 1e-9)
        now = _waited()
        if self._waited is None or now is None:
            return _crowding()
        # A thread that has ended takes its count with it.
        return max(0.0, now - self._waited) / elapsed


def _waited() -> float | None:
    """Seconds that this process's threads have waited for a core, or None where nobody counts them."""
    total = 0.0
    try:
        tasks = list(_TASKS.iterdir())
    except OSError:
        return None
    for task in tasks:
        with contextlib.suppress(OSError):  # a thread that has just ended
            fields = (task / "schedstat").read_text(encoding="ascii").split()
            if len(fields) != 3:
                return None
            total += int(fields[1]) / 1e9
    return total


def _crowding() -> float:
    """Runnable threads beyond the cores there are, a core; 0 where the system does not say."""
    if not hasattr(os, "getloadavg"):
        return 0.0
    processors = os.sysconf("SC_NPROCESSORS_ONLN")
    return max(0.0, os.getloadavg()[0] - processors) / processors


def time_to(target: float | None, curve: Sequence[CurvePoint]) -> float | None:
    """Seconds of training until the validation photos' PSNR first reached ``target``, evaluation outside the clock.

    Between the two points of the curve around it the PSNR is taken to rise evenly with time. A target
    reached at the first point already counts as reached there, since nothing is known before it.

    Args:
        curve: the points, in time.

    Returns:
        None when there is no target or it was not reached.
    """
    if target is None:
        return None
    before: CurvePoint | None = None
    for point in curve:
        if point.psnr is None:
            continue
        if point.psnr >= target:
            if before is None or before.psnr is None:
                return point.seconds
            share = (target - before.psnr) / (point.psnr - before.psnr)
            return before.seconds + share * (point.seconds - before.seconds)
        before = point
    return None
