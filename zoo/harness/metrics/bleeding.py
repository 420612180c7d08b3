"""Colour bleeding: chroma that runs over the edges of things."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from zoo.core.color import rgb_to_lab
from zoo.harness.metrics.exact import exact_float32

EDGE_SHARE = 0.10
"""The steepest tenth of a photo's pixels are its edges …"""
LEAST_STEP = 1.0
"""… unless L* changes by less than this from pixel to pixel there."""
REACH = 2
"""Near an edge means within this many pixels of it."""
JUST_NOTICEABLE = 1.0
"""Added to both errors, in a*b* units, so that the ratio of two vanishing errors is 1."""


def near_lightness_edges(lightness: Tensor) -> Tensor:
    """(N, 1, H, W) L* in 0…100 → bool (N, 1, H, W), true within two pixels of an edge (Sobel)."""
    smooth = torch.tensor([1.0, 2.0, 1.0], device=lightness.device) / 4
    step = torch.tensor([-0.5, 0.0, 0.5], device=lightness.device)
    across = torch.outer(smooth, step)
    kernels = torch.stack((across, across.T))[:, None]
    gradient = F.conv2d(F.pad(lightness, (1, 1, 1, 1), mode="replicate"), kernels)
    slope = torch.linalg.vector_norm(gradient, dim=1, keepdim=True)
    pixels = slope[0].numel()
    # Not kthvalue, which has no deterministic form on a GPU.
    threshold = slope.flatten(1).sort(dim=1).values[:, max(1, round(pixels * (1 - EDGE_SHARE))) - 1]
    edges = slope > threshold.clamp_min(LEAST_STEP)[:, None, None, None]
    return F.max_pool2d(edges.float(), 2 * REACH + 1, stride=1, padding=REACH) > 0


class Bleeding:
    """Chroma error near the target's lightness edges, against the error away from them.

    ``(near + 1) / (away + 1)``, both the mean Euclidean a*b* error over their pixels. 1 says that
    edges are coloured as well as everything else, more says that colours run over them. A ratio,
    so that a model is not charged twice for being wrong everywhere. NaN for a photo without edges.
    """

    name = "bleeding"
    higher_is_better = False
    version = "1"

    def per_image(self, prediction: Tensor, target: Tensor) -> Tensor:
        """(N, 3, H, W) uint8 twice → (N,) float32, 1 for identical images."""
        with exact_float32(target.device):
            truth = rgb_to_lab(target)
            difference = (rgb_to_lab(prediction) - truth)[:, 1:]
            error = torch.linalg.vector_norm(difference, dim=1).flatten(1)
            near = near_lightness_edges(truth[:, :1]).flatten(1)
        near_error = (error * near).sum(dim=1) / near.sum(dim=1)
        away_error = (error * ~near).sum(dim=1) / (~near).sum(dim=1)
        ratio: Tensor = (near_error + JUST_NOTICEABLE) / (away_error + JUST_NOTICEABLE)
        return ratio
