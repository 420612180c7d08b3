"""Eigen & Fergus's loss: an error shared by the whole photo costs half."""

from __future__ import annotations

from torch import Tensor

from zoo.core.contracts import Batch, Prediction
from zoo.parts.losses.tv import forward_differences


class ScaleInvariant:
    """mean d² − λ (mean d)² + mean ((∂x d)² + (∂y d)²), per photo and channel; then their mean.

    Source: Eigen & Fergus 2015 (arXiv:1411.4734, eq. 1), where d is the difference of log depths and
    λ = ½ (the term (Σ d)² / 2n²); here d = ab − ab*, so what is forgiven is a colour cast.

    Args:
        invariance: λ; 0 is the plain squared error, 1 forgives a constant offset entirely.
        gradient: weight of the gradient term, 1 in the paper.
    """

    def __init__(self, invariance: float = 0.5, gradient: float = 1.0) -> None:
        self.invariance = invariance
        self.gradient = gradient

    def __call__(self, prediction: Prediction, batch: Batch) -> Tensor:
        d = prediction["ab"].float() - batch.ab
        dx, dy = forward_differences(d)
        forgiven = self.invariance * d.mean(dim=(2, 3)).square()
        return d.square().mean() - forgiven.mean() + self.gradient * (dx.square() + dy.square()).mean()
