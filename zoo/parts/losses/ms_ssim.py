"""Multi-scale structural similarity at full resolution."""

from __future__ import annotations

from functools import reduce
from operator import mul

from torch import Tensor

from zoo.core.contracts import Batch, Prediction
from zoo.parts.losses.structural_similarity import similarity_factors, unit_lab

SIGMAS = (0.5, 1.0, 2.0, 4.0, 8.0)


def ms_ssim_map(x: Tensor, y: Tensor) -> Tensor:
    """l_M · Π_j cs_j for every pixel and channel, (N, C, H, W); ``x``, ``y`` with data range 1.

    Zhao et al. 2015 (arXiv:1511.08861, section III.C), all exponents 1: instead of a pyramid of M levels,
    M Gaussian windows over the full image; the luminance factor is that of the widest. The windows are
    not truncated; at borders they are renormalised.
    """
    luminance, contrast_structure = similarity_factors(x, y, SIGMAS)
    return reduce(mul, contrast_structure, luminance)


class MSSSIM:
    """1 − mean MS-SSIM (arXiv:1511.08861, section III.C), per channel of ``unit_lab``, averaged.

    ``pytorch_msssim.ms_ssim`` is another function: a dyadic pyramid with fitted exponents.
    """

    def __call__(self, prediction: Prediction, batch: Batch) -> Tensor:
        return 1 - ms_ssim_map(*unit_lab(prediction, batch)).mean()
