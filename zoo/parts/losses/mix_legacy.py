"""The MS-SSIM + L1 mix as public PyTorch ports compute it: with their filter-order fault.

Those ports stack their 15 filters scale by scale and convolve with ``groups=3``, which hands them out
channel by channel. So channels are filtered with the σ of :data:`SIGMAS_OF_CHANNEL`, and all three
luminance factors come from the third channel. Results of the hint challenge were trained with, and
are quoted in, this number; for anything new use ``l1_ms_ssim``.
"""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.core.contracts import Batch, Prediction
from zoo.core.errors import BadInput
from zoo.parts.losses.gaussian_window import blur
from zoo.parts.losses.structural_similarity import similarity_factors, unit_chroma, unit_lightness

SIGMAS_OF_CHANNEL = (
    {0.5: 3, 1.0: 2},
    {1.0: 1, 2.0: 3, 4.0: 1},
    {4.0: 2, 8.0: 3},
)
"""Per channel (L*, a*, b*): σ → how many of its five filters have it."""

L1_SIGMA, RADIUS = 8.0, 16


class MixLegacy:
    """200 · (α (1 − l_b³ · Π_c Π_j cs_c,j) + (1 − α) · G_8 · L1), windows 33 wide, zero padding.

    On L*, a*, b* as 8-bit Lab / 255; the true lightness where the head does not predict one.
    One structure term for all three channels together, as the product runs over all 15 filters.

    Source: ``psyrocloud/MS-SSIM_L1_LOSS`` at data range 1, against arXiv:1511.08861.

    Args:
        alpha: 0.025 is that code's default.
        compensation: the factor in front.

    Raises:
        BadInput: ``alpha`` is outside [0, 1].
    """

    def __init__(self, alpha: float = 0.025, compensation: float = 200.0) -> None:
        if not 0 <= alpha <= 1:
            raise BadInput(f"loss 'mix_legacy': alpha is {alpha}; give a number from 0 to 1.")
        self.alpha = alpha
        self.compensation = compensation

    def __call__(self, prediction: Prediction, batch: Batch) -> Tensor:
        lightness = prediction.get("lightness", batch.lightness)
        x = torch.cat((unit_lightness(lightness), unit_chroma(prediction["ab"])), dim=1)
        y = torch.cat((unit_lightness(batch.lightness), unit_chroma(batch.ab)), dim=1)

        similarity = torch.ones_like(x[:, :1])
        for channel, multiplicity in enumerate(SIGMAS_OF_CHANNEL):
            luminance, contrast_structure = similarity_factors(
                x[:, channel : channel + 1],
                y[:, channel : channel + 1],
                tuple(multiplicity),
                radius=RADIUS,
                zero_padded=True,
            )
            for factor, times in zip(contrast_structure, multiplicity.values(), strict=True):
                similarity = similarity * factor**times
        similarity = similarity * luminance**3

        (weighted_l1,) = blur((x - y).abs(), (L1_SIGMA,), radius=RADIUS, zero_padded=True)
        mix = self.alpha * (1 - similarity.mean()) + (1 - self.alpha) * weighted_l1.mean()
        return self.compensation * mix
