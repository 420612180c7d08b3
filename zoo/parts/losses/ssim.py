"""Structural similarity as a loss."""

from __future__ import annotations

from torch import Tensor

from zoo.core.contracts import Batch, Prediction
from zoo.parts.losses.structural_similarity import similarity_factors, unit_lab

SIGMA, RADIUS = 1.5, 5


class SSIM:
    """1 − mean SSIM, per channel of :func:`~zoo.parts.losses.structural_similarity.unit_lab`, every pixel counted.

    Gaussian window 11 × 11, σ = 1.5, as in Wang et al. 2004; at borders the window is cut and
    renormalised, so any size of photo will do. Not the metric of that name, which looks at RGB.
    """

    def __call__(self, prediction: Prediction, batch: Batch) -> Tensor:
        x, y = unit_lab(prediction, batch)
        luminance, (contrast_structure,) = similarity_factors(x, y, (SIGMA,), radius=RADIUS)
        return 1 - (luminance * contrast_structure).mean()
