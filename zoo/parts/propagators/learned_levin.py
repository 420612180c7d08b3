"""Levin's equations with learned edges, a learned proposal and a trust in it: one sparse solve a photo."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from zoo.core.errors import BadInput
from zoo.parts.layers.affinity import shifted
from zoo.parts.layers.each_photo import refuse_a_graph
from zoo.parts.layers.learned_equations import Equations, LearnedEquations
from zoo.parts.layers.propagation import System

DILATIONS = (1, 2, 4, 8)
"""Of the network's four convolutions: it sees 31 pixels."""

_LEAST_TRUST = 1e-5
"""The scale of the trust: it counts where hints are far."""

_EMPTY = 1e-9
"""Trust in grey where a photo has no hints, so that it has a solution too."""


class LearnedLevin(nn.Module):
    """condition (N, 4, H, W) to ab (N, 2, H, W). Any H, W ≥ 1.

    A network of lightness alone gives every pixel learned edges, a proposal t and a trust c ≥ 0
    (:class:`~zoo.parts.layers.learned_equations.LearnedEquations`), and colours solve
    (1 + c_r) U(r) = Σ_s w_rs U(s) + c_r t_r with hinted pixels held: at the start Levin's (SIGGRAPH 2004, eq. 1 at its
    minimum). The proposal is what is seen where no hint is near, and in a photo without any.

    Solved on the CPU in float64; the gradient is one more solve by the same factors. Differentiable in the network's
    parameters and in lightness, not in the hints.

    Args:
        width: maps of each of the network's four convolutions.
        features: length of f.

    Raises:
        BadInput: width or features below 1.
    """

    stride = 1
    on_host = True

    def __init__(self, *, width: int = 16, features: int = 8):
        super().__init__()
        if width < 1 or features < 1:
            raise BadInput(f"learned_levin: width={width} and features={features} must be 1 or more, such as 16 and 8.")
        convolutions = [
            nn.Conv2d(width if number else 1, width, 3, padding=dilation, dilation=dilation, padding_mode="replicate")
            for number, dilation in enumerate(DILATIONS)
        ]
        self.convolutions = nn.ModuleList(convolutions)
        seen = 1 + width * len(DILATIONS)
        self.learned = LearnedEquations(seen, features=features, least_trust=_LEAST_TRUST)

    def forward(self, condition: Tensor) -> Tensor:
        lightness, hint_ab, mask = condition.split((1, 2, 1), dim=1)
        known = mask > 0.5
        weights, proposal, trust = self.equations(lightness)
        unhinted = ~known.flatten(1).any(1)[:, None, None, None]
        trust = trust + _EMPTY * unhinted
        solution: Tensor = Solve.apply(weights, trust, proposal, hint_ab, known, torch.is_grad_enabled())
        return solution

    def equations(self, lightness: Tensor) -> Equations:
        """Of lightness (N, 1, H, W) as in the condition."""
        maps = [lightness]
        for convolution in self.convolutions:
            maps.append(nn.functional.leaky_relu(convolution(maps[-1]), 0.1))
        found: Equations = self.learned(torch.cat(maps, dim=1), (lightness + 1) / 2)
        return found


class Solve(Function):
    """Solves :class:`~zoo.parts.layers.propagation.System` photo by photo.

    With λ the multipliers of the equations, which one solve by the transposed factors gives, the gradients are
    λ_r · U(s) to w_rs, λ_r · (t_r − U(r)) to c_r and c_r λ_r to t_r.
    """

    @staticmethod
    def forward(
        ctx: Any, weights: Tensor, trust: Tensor, proposal: Tensor, colours: Tensor, known: Tensor, keep: bool
    ) -> Tensor:
        photos = zip(*(_arrays(each) for each in (weights, trust, proposal, colours)), known.cpu().numpy(), strict=True)
        found, ctx.systems = [], []
        for weight, certain, proposed, colour, held in photos:
            system = System(np.moveaxis(weight, -1, 0), held[0], certain[..., 0])
            found.append(system.solve(colour, proposed))
            if keep:
                ctx.systems.append(system)
        solution = _tensor(found, weights)
        ctx.save_for_backward(trust, proposal, solution)
        return solution

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradient: Tensor) -> tuple[Tensor | None, ...]:
        trust, proposal, solution = ctx.saved_tensors
        each = zip(ctx.systems, _arrays(gradient[0]), strict=True)
        multipliers = _tensor([system.adjoint(wanted) for system, wanted in each], solution)
        to_weights = torch.cat([(multipliers * near).sum(1, keepdim=True) for near in shifted(solution)], dim=1)
        to_trust = (multipliers * (proposal - solution)).sum(1, keepdim=True)
        return to_weights, to_trust, trust * multipliers, None, None, None


def _arrays(batch: Tensor) -> np.ndarray:
    """(N, C, H, W) to (N, H, W, C) float64."""
    refuse_a_graph()
    return np.asarray(batch.detach().permute(0, 2, 3, 1).cpu().double().numpy())


def _tensor(photos: list[np.ndarray], like: Tensor) -> Tensor:
    return torch.from_numpy(np.stack(photos)).permute(0, 3, 1, 2).to(like).contiguous()
