"""Quadratic for small errors of chroma, linear for large ones."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from zoo.core.contracts import Batch, Prediction
from zoo.core.errors import BadInput


class Huber:
    """½ d² where \\|d\\| ≤ δ, else δ (\\|d\\| − ½ δ), averaged; d = ab − ab*.

    Source: Huber 1964; for colorization Zhang et al. 2017 (arXiv:1705.02999, eq. 2, δ = 1 Lab step)
    and iColoriT (arXiv:2207.06831, δ = 0.01 on ab / 110: the default here).

    Raises:
        BadInput: ``delta`` is not positive.
    """

    def __init__(self, delta: float = 0.01) -> None:
        if not delta > 0:
            raise BadInput(f"loss 'huber': delta is {delta}; give a number above 0.")
        self.delta = delta

    def __call__(self, prediction: Prediction, batch: Batch) -> Tensor:
        return F.huber_loss(prediction["ab"].float(), batch.ab, delta=self.delta)
