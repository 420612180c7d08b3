"""(c) The limit: forward, L1, backward and the optimizer's step on batches that lie ready on the device."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from benchmarks.rivals.contestant import Pace
from benchmarks.rivals.ours import bench
from benchmarks.rivals.task import Case, colorizer
from zoo.harness.training import device as devices
from zoo.harness.training.schedule import make_optimizer

READY = 8
"""Batches that lie ready."""


def train(case: Case, pace: Pace, memory_format: torch.memory_format = torch.contiguous_format) -> None:
    working = bench(case)
    stream = working.training.stream.forever()
    batches = [next(stream) for _ in range(READY)]
    ready = [(each.condition.contiguous(memory_format=memory_format), each.ab) for each in batches]
    network = colorizer(case).network.to(case.device, memory_format=memory_format).train()
    if case.compile:
        network.compile()
    optimizer = make_optimizer(network.parameters(), working.run.recipe)
    while True:
        for condition, ab in ready:
            with devices.autocast(case.precision, case.device):
                found = network(condition)
                loss = F.l1_loss((found["ab"] if isinstance(found, dict) else found).float(), ab)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            if not pace.step_done():
                return
