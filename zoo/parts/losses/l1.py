"""Mean absolute error of chroma."""

from __future__ import annotations

from torch import Tensor

from zoo.core.contracts import Batch, Prediction


class L1:
    """mean \\|ab − ab*\\| over photos, channels and pixels; in units of 110 Lab steps."""

    def __call__(self, prediction: Prediction, batch: Batch) -> Tensor:
        return (prediction["ab"].float() - batch.ab).abs().mean()
