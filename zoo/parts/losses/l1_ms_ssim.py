"""The mix of MS-SSIM and Gaussian-weighted L1, per channel as its authors meant it."""

from __future__ import annotations

from torch import Tensor

from zoo.core.contracts import Batch, Prediction
from zoo.core.errors import BadInput
from zoo.parts.losses.gaussian_window import blur
from zoo.parts.losses.ms_ssim import SIGMAS, ms_ssim_map
from zoo.parts.losses.structural_similarity import unit_lab


class L1MSSSIM:
    """α · L_MS-SSIM + (1 − α) · G_σM · L1 (Zhao et al. 2015, arXiv:1511.08861, section III.D).

    G_σM is the widest of the MS-SSIM windows (σ = 8). Computed per channel of
    :func:`~zoo.parts.losses.structural_similarity.unit_lab` and averaged.

    Args:
        alpha: 0.84 in the paper; its published code, and the hint challenge's recipe, use 0.025.

    Raises:
        BadInput: ``alpha`` is outside [0, 1].
    """

    def __init__(self, alpha: float = 0.84) -> None:
        if not 0 <= alpha <= 1:
            raise BadInput(f"loss 'l1_ms_ssim': alpha is {alpha}; give a number from 0 to 1.")
        self.alpha = alpha

    def __call__(self, prediction: Prediction, batch: Batch) -> Tensor:
        x, y = unit_lab(prediction, batch)
        (weighted_l1,) = blur((x - y).abs(), SIGMAS[-1:])
        dissimilarity = 1 - ms_ssim_map(x, y).mean()
        return self.alpha * dissimilarity + (1 - self.alpha) * weighted_l1.mean()
