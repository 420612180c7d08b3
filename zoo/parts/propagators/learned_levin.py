"""Levin's equations with learned edges, solved for the hints and for what a network proposes at them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from zoo.core.contracts import Prediction
from zoo.core.errors import BadInput
from zoo.parts.layers.affinity import shifted
from zoo.parts.layers.each_photo import refuse_a_graph
from zoo.parts.layers.learned_edges import DilatedConvolutions, LearnedEdges
from zoo.parts.layers.propagation import System
from zoo.parts.layers.proposal import Proposal
from zoo.parts.propagators.pyramid import nearness


class LearnedLevin(nn.Module):
    """condition (N, 4, H, W) to ab, ``ab_proposal`` (N, 2, H, W) and confidence (N, 1, H, W). Any H, W ≥ 1.

    A network of lightness alone gives every pixel learned edges
    (:class:`~zoo.parts.layers.learned_edges.LearnedEdges`), a proposal and a trust in it
    (:class:`~zoo.parts.layers.proposal.Proposal`). Colours are spread by U(r) = Σ_s w_rs U(s) with hinted pixels held:
    at the start Levin's (SIGGRAPH 2004, eq. 1 at its minimum). A photo without hints has the colours that are proposed.

    Solved on the CPU in float64; the gradient is one more solve by the same factors. Differentiable in the network's
    parameters and in lightness, not in the hints.

    Args:
        width: maps of each of the network's four convolutions.
        features: of a pixel, by which edges are learned.

    Raises:
        BadInput: width or features below 1.
    """

    stride = 1
    on_host = True

    def __init__(self, *, width: int = 16, features: int = 8):
        super().__init__()
        if width < 1 or features < 1:
            raise BadInput(f"learned_levin: width={width} and features={features} must be 1 or more, such as 16 and 8.")
        self.seen = DilatedConvolutions(width)
        self.edges = LearnedEdges(self.seen.channels, features=features)
        self.proposal = Proposal(self.seen.channels)

    def forward(self, condition: Tensor) -> Prediction:
        lightness = condition[:, :1]
        seen = self.seen(lightness)
        weights = self.edges(seen, (lightness + 1) / 2)

        def spread(given: Tensor) -> tuple[Tensor, Tensor]:
            colours, mask = given[:, 1:-1], given[:, -1:]
            solution: Tensor = Solve.apply(weights, colours, mask > 0.5, torch.is_grad_enabled())
            return solution, nearness(mask)

        found: Prediction = self.proposal(seen, condition, spread)
        return found


class Solve(Function):
    """Solves :class:`~zoo.parts.layers.propagation.System` photo by photo; without hints all is 0.

    With λ the multipliers of the equations, which one solve by the transposed factors gives, the gradient to w_rs is
    λ_r · U(s).
    """

    @staticmethod
    def forward(ctx: Any, weights: Tensor, colours: Tensor, known: Tensor, keep: bool) -> Tensor:
        photos = zip(*(_arrays(each) for each in (weights, colours)), known.cpu().numpy(), strict=True)
        found, ctx.systems = [], []
        for weight, colour, (held,) in photos:
            system = System(np.moveaxis(weight, -1, 0), held) if held.any() else None
            found.append(system.solve(colour) if system else np.zeros_like(colour))
            if keep:
                ctx.systems.append(system)
        solution = _tensor(found, weights)
        ctx.save_for_backward(solution)
        return solution

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradient: Tensor) -> tuple[Tensor | None, ...]:
        (solution,) = ctx.saved_tensors
        each = zip(ctx.systems, _arrays(gradient[0]), strict=True)
        multipliers = _tensor([s.adjoint(wanted) if s else np.zeros_like(wanted) for s, wanted in each], solution)
        to_weights = torch.cat([(multipliers * near).sum(1, keepdim=True) for near in shifted(solution)], dim=1)
        return to_weights, None, None, None


def _arrays(batch: Tensor) -> np.ndarray:
    """(N, C, H, W) to (N, H, W, C) float64."""
    refuse_a_graph()
    return np.asarray(batch.detach().permute(0, 2, 3, 1).cpu().double().numpy())


def _tensor(photos: list[np.ndarray], like: Tensor) -> Tensor:
    return torch.from_numpy(np.stack(photos)).permute(0, 3, 1, 2).to(like).contiguous()
