"""The two factors of SSIM, at one or several window sizes, and what the structural losses compare by them.

Wang et al. 2004, "Image quality assessment: from error visibility to structural similarity"; in the
notation of Zhao et al. 2015 (arXiv:1511.08861, section III): SSIM(p) = l(p) · cs(p).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from zoo.core.color import AB_SCALE
from zoo.core.contracts import Batch, Prediction
from zoo.parts.losses.gaussian_window import blur

C1, C2 = 0.01**2, 0.03**2
"""The stabilising constants for a data range of 1."""


def similarity_factors(
    x: Tensor, y: Tensor, sigmas: Sequence[float], *, radius: int | None = None, zero_padded: bool = False
) -> tuple[Tensor, list[Tensor]]:
    """Luminance of the last σ, and contrast-structure of every σ, each (N, C, H, W).

    Args:
        x: (N, C, H, W) float32, data range 1.
        y: the same; no gradient reaches it.
        sigmas: of the Gaussian windows, in pixels.
        radius: of the windows, ``None``: unlimited.
        zero_padded: what lies outside the image is 0, instead of not counting.
    """
    # Variances do not see a constant: around the middle of the range they lose far fewer digits,
    # which decides on hardware that multiplies matrices with ten-bit mantissas. Padding does see it.
    centre = 0.0 if zero_padded else 0.5
    x, y = x - centre, y - centre

    def windowed(maps: Tensor) -> list[Tensor]:
        return blur(maps, sigmas, radius=radius, zero_padded=zero_padded)

    contrast_structure = []
    for mean_x, mean_y, square, product in zip(
        windowed(x), windowed(y), windowed(x * x + y * y), windowed(2 * x * y), strict=True
    ):
        # (2 σ_xy + C2) / (σ_x² + σ_y² + C2), in few passes over the maps
        covariance = torch.addcmul(product + C2, mean_x, mean_y, value=-2)
        variances = torch.addcmul(square + (C2 - mean_y * mean_y), mean_x, mean_x, value=-1)
        contrast_structure.append(covariance / variances)
    mean_x, mean_y = mean_x + centre, mean_y + centre
    luminance = (2 * mean_x * mean_y + C1) / (mean_x * mean_x + mean_y * mean_y + C1)
    return luminance, contrast_structure


def unit_chroma(ab: Tensor) -> Tensor:
    """``ab`` (N, 2, H, W) → (a* + 128) / 255, (b* + 128) / 255, float32."""
    return (ab.float() * AB_SCALE + 128) / 255


def unit_lightness(lightness: Tensor) -> Tensor:
    """``lightness`` (N, 1, H, W) → (L* · 2.55) / 255, float32 in [0, 1]."""
    return (lightness.float() + 1) / 2


def unit_lab(prediction: Prediction, batch: Batch) -> tuple[Tensor, Tensor]:
    """Prediction and truth in Lab on the scale of 8-bit images divided by 255: (N, C, H, W), data range 1.

    C is 2 (a*, b*), as the lightness is copied from the input and has nothing to learn; it is 3
    (L*, a*, b*) for a head that predicts ``"lightness"`` too.
    """
    predicted, target = unit_chroma(prediction["ab"]), unit_chroma(batch.ab)
    if "lightness" in prediction:
        predicted = torch.cat((unit_lightness(prediction["lightness"]), predicted), dim=1)
        target = torch.cat((unit_lightness(batch.lightness), target), dim=1)
    return predicted, target
