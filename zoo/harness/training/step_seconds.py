"""What a training step takes, measured before the training begins, so that seconds can be turned into steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import torch

from zoo.harness.training.budget import Budget
from zoo.harness.training.device import finish
from zoo.harness.training.loop import Training

STEPS = 10
"""Taken from the start of a training to its end, since a step of another phase may cost more."""
LEAST_SECONDS = 2.0
"""They are taken again and again for so long, but no longer than the whole budget."""


def step_seconds(training: Training) -> float:
    """Seconds a step, on the average over the whole training; whatever was trained for it is taken back."""
    passes: list[float] = []
    enough = min(LEAST_SECONDS, training.budget.seconds or LEAST_SECONDS)
    with training.taken_back():
        training.budget = Budget(steps=STEPS)
        training.one_step()  # what only the first one costs
        while sum(passes) < enough:
            training.step = 0
            passes.append(seconds_of(lambda: [training.one_step() for _ in range(STEPS)], training.device))
    return median(passes) / STEPS


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """What ``work`` takes of a machine that has nothing else to do: on the CPU, time in which others have the cores
    is not counted.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    finish(device)
    passed, worked = time.perf_counter() - wall, time.process_time() - cpu
    return min(passed, worked) if device.type == "cpu" else passed
