"""Lab on the scale of 8-bit images divided by 255: what the structural losses compare."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.core.color import AB_SCALE
from zoo.core.contracts import Batch, Prediction


def unit_chroma(ab: Tensor) -> Tensor:
    """``ab`` (N, 2, H, W) → (a* + 128) / 255, (b* + 128) / 255, float32."""
    return (ab.float() * AB_SCALE + 128) / 255


def unit_lightness(lightness: Tensor) -> Tensor:
    """``lightness`` (N, 1, H, W) → (L* · 2.55) / 255, float32 in [0, 1]."""
    return (lightness.float() + 1) / 2


def unit_lab(prediction: Prediction, batch: Batch) -> tuple[Tensor, Tensor]:
    """Prediction and truth, (N, C, H, W), data range 1.

    C is 2 (a*, b*), as the lightness is copied from the input and has nothing to learn; it is 3
    (L*, a*, b*) for a head that predicts ``"lightness"`` too.
    """
    predicted, target = unit_chroma(prediction["ab"]), unit_chroma(batch.ab)
    if "lightness" in prediction:
        predicted = torch.cat((unit_lightness(prediction["lightness"]), predicted), dim=1)
        target = torch.cat((unit_lightness(batch.lightness), target), dim=1)
    return predicted, target
