"""A ceiling for soft colorizers: the true colours at a quarter of the size."""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn


class OracleQuarter(nn.Module):
    """The true ab, averaged down to (⌈H/4⌉, ⌈W/4⌉) and enlarged again bilinearly; any H, W ≥ 1.

    Networks that predict colour at a quarter of the size, such as Zhang et al. 2016, cannot do better. It
    reads the extra ``truth_ab`` (N, 2, H, W): a measuring stick, not a colorizer.
    """

    stride = 1
    extras = ("truth_ab",)

    def forward(self, condition: Tensor, extras: Mapping[str, Tensor]) -> Tensor:
        truth = extras["truth_ab"]
        height, width = truth.shape[-2:]
        quarter = F.adaptive_avg_pool2d(truth, (-(-height // 4), -(-width // 4)))
        return F.interpolate(quarter, (height, width), mode="bilinear", align_corners=False)
