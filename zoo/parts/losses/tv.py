"""Total variation: a price on chroma that is not smooth."""

from __future__ import annotations

from torch import Tensor

from zoo.core.contracts import Batch, Prediction
from zoo.parts.losses.finite_differences import forward_differences


class TV:
    """mean (\\|∂x ab\\| + \\|∂y ab\\|) of the prediction alone; a regulariser beside another loss.

    Source: Rudin, Osher & Fatemi 1992, in the anisotropic form; in training Johnson et al. 2016
    (arXiv:1603.08155, section 3.2).
    """

    def __call__(self, prediction: Prediction, batch: Batch) -> Tensor:
        dx, dy = forward_differences(prediction["ab"].float())
        return dx.abs().mean() + dy.abs().mean()
