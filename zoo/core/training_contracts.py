"""The contracts of what a recipe trains with, as probes: optimizers and schedules."""

from __future__ import annotations

import math

import torch
from torch import nn

from zoo.core.assemble import make
from zoo.core.module_checks import Findings

_POINTS = 21


def probe_optimizer(name: str, found: Findings) -> None:
    """One step on a parabola: it changes the parameter, downhill, and its state travels."""
    parameter = nn.Parameter(torch.ones(3, 2))
    optimizer = make("optimizers", name, [{"params": [parameter], "weight_decay": 0.0}], lr=1e-3)
    if not found.expect(isinstance(optimizer, torch.optim.Optimizer), "it is no torch.optim.Optimizer"):
        return
    before = parameter.detach().clone()
    for _ in range(2):
        optimizer.zero_grad(set_to_none=True)
        parameter.square().sum().backward()
        optimizer.step()
    found.expect(bool(torch.isfinite(parameter).all()), "a step leaves parameters that are not finite")
    found.expect(float(parameter.detach().square().sum()) < float(before.square().sum()), "its steps go uphill")
    rates = [group["lr"] for group in optimizer.param_groups]
    found.expect(rates == [1e-3], f"its groups' rates are {rates}, not the one it was given")
    twin = make("optimizers", name, [{"params": [nn.Parameter(torch.ones(3, 2))], "weight_decay": 0.0}], lr=1e-3)
    twin.load_state_dict(optimizer.state_dict())


def probe_schedule(name: str, found: Findings) -> None:
    """A finite factor of 0 or more at every part of the training."""
    shape = make("schedules", name)
    factors = [shape(point / (_POINTS - 1)) for point in range(_POINTS)]
    fine = all(isinstance(factor, (int, float)) and math.isfinite(factor) and factor >= 0 for factor in factors)
    found.expect(fine, f"its factors are {factors}; finite numbers of 0 or more are expected")
