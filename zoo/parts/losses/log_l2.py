"""The squared error of each photo in decibels: easy photos count as much as hard ones."""

from __future__ import annotations

import math

from torch import Tensor

from zoo.core.contracts import Batch, Prediction
from zoo.core.errors import BadInput


class LogL2:
    """mean over photos of 10 · log₁₀(ε + mean (ab − ab*)²): less PSNR, on ab.

    HINet's and NAFNet's loss (arXiv:2105.06086, arXiv:2204.04676). Where photos have hints of all densities, the
    squared error is nearly all of photos with few of them, and training for it spoils those with many.

    Args:
        epsilon: what a squared error of ab / 110 may be without being worth more; 1e-5 is a third of a Lab step.

    Raises:
        BadInput: ``epsilon`` is not positive.
    """

    def __init__(self, epsilon: float = 1e-5) -> None:
        if not epsilon > 0:
            raise BadInput(f"loss 'log_l2': epsilon is {epsilon}; give a number above 0.")
        self.epsilon = epsilon

    def __call__(self, prediction: Prediction, batch: Batch) -> Tensor:
        squared = (prediction["ab"].float() - batch.ab).square().mean((1, 2, 3))
        return 10 / math.log(10) * (squared + self.epsilon).log().mean()
