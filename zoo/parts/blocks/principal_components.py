"""Principal components of a set of vectors, and distances measured along them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_NEGLIGIBLE = 1e-10
"""A variance this much smaller than the largest is rounding."""


class PrincipalComponents(nn.Module):
    """The ``count`` directions of largest variance. Distances are 0 before :meth:`fit`.

    Args:
        count: K, how many.
        size: D, the length of a vector.
    """

    basis: Tensor
    inverse_variance: Tensor
    residual_weight: Tensor

    def __init__(self, count: int, size: int):
        super().__init__()
        self.register_buffer("basis", torch.zeros(count, size))
        self.register_buffer("inverse_variance", torch.zeros(count))
        self.register_buffer("residual_weight", torch.zeros(()))

    @torch.no_grad()
    def fit(self, rows: Tensor) -> None:
        """From vectors (n, D), in float64. Where they span fewer than K directions, the others stay zero."""
        centred = rows.double() - rows.double().mean(0)
        if len(rows) < 2:
            return
        # n vectors of many dimensions: the n × n matrix of their products has the same spectrum as their covariance.
        squares, combinations = torch.linalg.eigh(centred @ centred.T)
        squares, combinations = squares.flip(0)[: len(self.basis)], combinations.flip(1)[:, : len(self.basis)]
        found = int((squares > _NEGLIGIBLE * squares[0].clamp_min(_NEGLIGIBLE)).sum())
        if found == 0:
            return
        basis = (combinations[:, :found] / squares[:found].sqrt()).T @ centred
        self.basis[:found] = basis.to(self.basis)
        self.inverse_variance[:found] = ((len(rows) - 1) / squares[:found]).to(self.inverse_variance)
        self.residual_weight.copy_(self.inverse_variance[found - 1])

    def distance(self, difference: Tensor) -> tuple[Tensor, Tensor]:
        """How far apart two vectors are, from their difference (N, D).

        Returns:
            Σ_k p_k² / var_k over the components, and |r|² / var_K for the rest r (N,) each
            (arXiv:1612.01958, eq. 3).
        """
        projected = difference @ self.basis.T
        rest = difference - projected @ self.basis
        return (projected.square() * self.inverse_variance).sum(1), rest.square().sum(1) * self.residual_weight
