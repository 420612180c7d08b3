"""Structural similarity (Wang, Bovik, Sheikh, Simoncelli 2004)."""

from __future__ import annotations

from functools import lru_cache

import torch
from pytorch_msssim import SSIM as GaussianSSIM
from pytorch_msssim import ssim
from torch import Tensor

from zoo.harness.metrics.exact import exact_float32

WINDOW = 11
SIGMA = 1.5


@lru_cache(maxsize=8)
def _window(device: torch.device) -> Tensor:
    """The 1-D Gaussian, kept per device: the library would send it there on every call."""
    window: Tensor = GaussianSSIM(win_size=WINDOW, win_sigma=SIGMA, channel=3).win.to(device)
    return window


class SSIM:
    """Mean SSIM over the three RGB channels, Gaussian window 11, σ 1.5, values in [0, 1].

    Only positions where the whole window lies inside the image count. That equals scikit-image's
    ``structural_similarity`` with ``gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False, data_range=1``, which crops the same five pixels of border.
    An image with a side under 11 px has no such position and scores NaN: not measured.
    """

    name = "ssim"
    higher_is_better = True
    version = "1"

    def per_image(self, prediction: Tensor, target: Tensor) -> Tensor:
        """(N, 3, H, W) uint8 twice → (N,) float32, 1 for identical images."""
        if min(prediction.shape[-2:]) < WINDOW:
            return torch.full((len(prediction),), torch.nan, device=prediction.device)
        with exact_float32(prediction.device):
            scores: Tensor = ssim(
                prediction.float() / 255,
                target.float() / 255,
                data_range=1.0,
                size_average=False,
                win=_window(prediction.device),
            )
            return scores
