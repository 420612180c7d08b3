"""Hint adherence: does the colour at a hinted pixel stay what the user said?"""

from __future__ import annotations

from torch import Tensor

from zoo.core.color import rgb_to_lab
from zoo.harness.metrics.delta_e00 import ciede2000
from zoo.harness.metrics.exact import exact_float32


def hint_error(prediction: Tensor, target: Tensor, hint_mask: Tensor) -> Tensor:
    """Mean CIEDE2000 over the hinted pixels only.

    Args:
        prediction, target: (N, 3, H, W) uint8.
        hint_mask: (N, 1, H, W), 1 where a colour was given.

    Returns:
        (N,) float32; 0 where every hint is kept, NaN where an image has no hint.
    """
    with exact_float32(target.device):
        difference = ciede2000(rgb_to_lab(prediction), rgb_to_lab(target))
    hinted = hint_mask[:, 0] > 0
    return (difference * hinted).flatten(1).sum(dim=1) / hinted.flatten(1).sum(dim=1)
