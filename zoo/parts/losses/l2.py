"""Mean squared error of chroma."""

from __future__ import annotations

from torch import Tensor

from zoo.core.contracts import Batch, Prediction


class L2:
    """mean (ab − ab*)² over photos, channels and pixels; Iizuka et al. 2016's colorization loss."""

    def __call__(self, prediction: Prediction, batch: Batch) -> Tensor:
        return (prediction["ab"].float() - batch.ab).square().mean()
