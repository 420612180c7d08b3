"""Optimisation-guided integration: the head predicts how colour changes, and a solver which colours change so."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.core.colorizer import enlarged
from zoo.core.contracts import HINT_GAIN, Prediction
from zoo.core.errors import BadInput
from zoo.parts.layers.conv_unit import ConvUnit, start_grey

LEAST_CONFIDENCE = 1e-4
"""Of a difference, as in the public code."""

REACH = 1.0
"""Differences are clamped to ± this, as in the public code."""

_EMPTY = 1e-30


class OGNIHead(nn.Module):
    """OGNI-DC (arXiv:2406.11711) with hints in the place of sparse depth.

    Features (N, C, H, W) to ``ab``, and ``hidden`` and ``context`` (N, E, H, W) of a ConvGRU. ``refine`` begins with
    the differences g of the ab that it is given, and in each iteration the ConvGRU, which sees ab and g, changes g and
    says how sure it is of each difference, c; the colours u that fit them and the hints y are integrated by conjugate
    gradients::

        min Σ_pq c_pq (u_q − u_p − g_pq)² + α Σ_hinted (u_p − y_p)²

    Colours and differences are cut off from the gradient before each iteration; ``ab_update1`` and on are for a loss on
    each. Differences start unchanged, so that it starts at what was spread. The paper integrates log depth at a
    quarter of the photo's size from nothing, and enlarges; here it is the photo's size, and no propagation follows.

    Args:
        iterations: of the ConvGRU; 5 in the paper.
        hidden: E, 64 in the paper.
        weight: α, 5 in the public code.
        steps: of the conjugate gradients, and again of those of their gradient.

    Raises:
        BadInput: iterations, hidden or steps below 1, or a weight that is not above 0.
    """

    def __init__(self, channels: int, *, iterations: int = 1, hidden: int = 16, weight: float = 5.0, steps: int = 40):
        super().__init__()
        if min(iterations, hidden, steps) < 1 or not weight > 0:
            raise BadInput(
                f"ogni: iterations={iterations}, hidden={hidden}, steps={steps}, weight={weight}; "
                "give 1 or more of the first three and a weight above 0."
            )
        self.iterations, self.weight, self.steps = iterations, weight, steps
        self.project = start_grey(nn.Conv2d(channels, 2, 1))
        self.begin = nn.Conv2d(channels, 2 * hidden, 1)
        self.look = ConvUnit(6, hidden, norm="none")
        self.gru = nn.ModuleList(SeparableGRU(hidden, 2 * hidden, kernel) for kernel in ((1, 5), (5, 1)))
        self.change = nn.Sequential(ConvUnit(hidden, hidden, norm="none"), nn.Conv2d(hidden, 4, 3, padding=1))
        self.sure = nn.Sequential(ConvUnit(hidden, hidden, norm="none"), nn.Conv2d(hidden, 2, 3, padding=1))
        for parameter in self.change[1].parameters():
            nn.init.zeros_(parameter)

    def forward(self, features: Tensor) -> Prediction:
        hidden, context = self.begin(features).float().chunk(2, dim=1)
        return {"ab": self.project(features).float(), "hidden": hidden.tanh(), "context": context.relu()}

    def refine(self, prediction: Prediction, condition: Tensor) -> Prediction:
        hint_ab, mask = condition[:, 1:3], condition[:, 3:]
        hidden, context = (enlarged(prediction[key], condition) for key in ("hidden", "context"))
        colour = torch.where(mask > 0, hint_ab, prediction["ab"])
        wanted = torch.cat(differences(colour), dim=1)
        updated: Prediction = {}
        for number in range(1, self.iterations + 1):
            if number > 1:
                colour, wanted = colour.detach(), wanted.detach()
            seen = self.look(HINT_GAIN * torch.cat((colour, wanted), dim=1).detach())
            for half in self.gru:
                hidden = half(hidden, torch.cat((context, seen), dim=1))
            wanted = (wanted + self.change(hidden).float()).clamp(-REACH, REACH)
            sure = LEAST_CONFIDENCE + (1 - LEAST_CONFIDENCE) * self.sure(hidden).float().sigmoid()
            colour = integrated(wanted, sure, hint_ab, self.weight * mask, colour, self.steps)
            updated["ab" if number == self.iterations else f"ab_update{number}"] = colour
        return {**prediction, **updated}


class SeparableGRU(nn.Module):
    """A ConvGRU along one axis: hidden (N, E, H, W) and input (N, D, H, W) to the next hidden."""

    def __init__(self, hidden: int, seen: int, kernel: tuple[int, int]):
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.gates = nn.Conv2d(hidden + seen, 2 * hidden, kernel, padding=padding)
        self.proposal = nn.Conv2d(hidden + seen, hidden, kernel, padding=padding)

    def forward(self, hidden: Tensor, seen: Tensor) -> Tensor:
        update, reset = self.gates(torch.cat((hidden, seen), dim=1)).sigmoid().chunk(2, dim=1)
        proposal = self.proposal(torch.cat((reset * hidden, seen), dim=1)).tanh()
        return (1 - update) * hidden + update * proposal


def differences(image: Tensor) -> tuple[Tensor, Tensor]:
    """To the pixel below and to the one on the right, (N, C, H, W) each; 0 at the edge."""
    return F.pad(image.diff(dim=-2), (0, 0, 0, 1)), F.pad(image.diff(dim=-1), (0, 1))


def gathered(down: Tensor, across: Tensor) -> Tensor:
    """The adjoint of :func:`differences`."""
    above, before = F.pad(down[..., :-1, :], (0, 0, 1, 0)), F.pad(across[..., :-1], (1, 0))
    inside_down, inside_across = F.pad(down[..., :-1, :], (0, 0, 0, 1)), F.pad(across[..., :-1], (0, 1))
    return above - inside_down + before - inside_across


def integrated(wanted: Tensor, sure: Tensor, hint_ab: Tensor, weight: Tensor, start: Tensor, steps: int) -> Tensor:
    """The colours (N, 2, H, W) whose differences are nearest to those that are wanted, and that are nearest to hints.

    Differentiable by the equations that they solve, so that no step of the solver is kept.

    Args:
        wanted: (N, 4, H, W), those of a and b down, then across.
        sure: (N, 2, H, W), down and across, above 0.
        weight: (N, 1, H, W), of the hints.
        start: (N, 2, H, W), where the solver starts.
        steps: of conjugate gradients.
    """
    down, across = sure.split(1, dim=1)

    def system(colour: Tensor, down: Tensor = down, across: Tensor = across) -> Tensor:
        below, right = differences(colour)
        return gathered(down * below, across * right) + weight * colour

    @torch.no_grad()
    def solve(right: Tensor, start: Tensor) -> Tensor:
        return conjugate_gradients(lambda x: system(x, down.detach(), across.detach()), right, start, steps)

    right = gathered(down * wanted[:, :2], across * wanted[:, 2:]) + weight * hint_ab
    solution = solve(right.detach(), start.detach())
    return solution + _Solved.apply(right - system(solution), lambda gradient: solve(gradient, 0 * gradient))


class _Solved(torch.autograd.Function):
    """A remainder that is as good as zero; its gradient is the solution for the gradient that comes."""

    @staticmethod
    def forward(ctx, remainder, solve):
        ctx.solve = solve
        return torch.zeros_like(remainder)

    @staticmethod
    def backward(ctx, gradient):
        return ctx.solve(gradient), None


def conjugate_gradients(system: Callable[[Tensor], Tensor], right: Tensor, start: Tensor, steps: int) -> Tensor:
    """Steps towards ``system(x) = right``, (N, C, H, W), the system symmetric and each photo's channel on its own."""
    solution, remainder = start, right - system(start)
    direction, size = remainder, _square(remainder)
    for _ in range(steps):
        image = system(direction)
        pace = size / (direction * image).sum((2, 3), keepdim=True).clamp_min(_EMPTY)
        solution, remainder = solution + pace * direction, remainder - pace * image
        before, size = size, _square(remainder)
        direction = remainder + size / before.clamp_min(_EMPTY) * direction
    return solution


def _square(image: Tensor) -> Tensor:
    return image.square().sum((2, 3), keepdim=True)
