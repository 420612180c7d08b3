"""Chroma edges where the truth has them, and nowhere else."""

from __future__ import annotations

from torch import Tensor

from zoo.core.contracts import Batch, Prediction
from zoo.parts.losses.tv import forward_differences


class Gradient:
    """mean (\\|∂x d\\| + \\|∂y d\\|), d = ab − ab*: L1 between the spatial gradients.

    The gradient term of Deshpande et al. 2017 (arXiv:1612.01958), in L1 instead of L2 so that a
    sharp edge is not outvoted; unlike the gradient difference loss of Mathieu et al. 2016
    (arXiv:1511.05440) it keeps the signs.
    """

    def __call__(self, prediction: Prediction, batch: Batch) -> Tensor:
        dx, dy = forward_differences(prediction["ab"].float() - batch.ab)
        return dx.abs().mean() + dy.abs().mean()
