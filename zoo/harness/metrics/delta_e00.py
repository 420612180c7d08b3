"""The CIEDE2000 colour difference (CIE 142-2001).

Written after Sharma, Wu, Dalal, "The CIEDE2000 Color-Difference Formula: Implementation Notes,
Supplementary Test Data, and Mathematical Observations", Color Res. Appl. 30(1), 2005; the equation
numbers are theirs. Parametric factors kL = kC = kH = 1.
Ours, since scikit-image's works on numpy arrays, and photos are scored in batches on the device where they lie.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from zoo.core.color import rgb_to_lab
from zoo.harness.metrics.exact import exact_float32


def _chroma_weight(chroma: Tensor) -> Tensor:
    """``sqrt(C⁷ / (C⁷ + 25⁷))``: near 0 for greys, near 1 for vivid colours."""
    seventh = chroma.pow(7)
    return (seventh / (seventh + 25.0**7)).sqrt()


def _hue(a: Tensor, b: Tensor) -> Tensor:
    """In 0…2π. The range matters: opposite hues have two means, and the standard names one."""
    angle = torch.atan2(b, a)
    return torch.where(angle < 0, angle + 2 * math.pi, angle)


def ciede2000(lab: Tensor, other: Tensor) -> Tensor:
    """The difference of two Lab images, pixel by pixel, in the precision they come in.

    Args:
        lab, other: (N, 3, …), L* in 0…100, a* and b* in their own units.

    Returns:
        (N, …), ΔE00 ≥ 0; about 1 is just noticeable. Symmetric in its arguments.
    """
    l1, a1, b1 = lab.unbind(1)
    l2, a2, b2 = other.unbind(1)

    # Eqs 2-7: a* is stretched near the neutral axis, then chroma and hue are taken.
    stretch = 1.5 - 0.5 * _chroma_weight((torch.hypot(a1, b1) + torch.hypot(a2, b2)) / 2)
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = torch.hypot(a1, b1), torch.hypot(a2, b2)
    h1, h2 = _hue(a1, b1), _hue(a2, b2)
    both_coloured = (c1 * c2) > 0

    # Eqs 8-11: the shorter way round from one hue to the other.
    turn = h2 - h1
    turn = torch.where(turn > math.pi, turn - 2 * math.pi, turn)
    turn = torch.where(turn < -math.pi, turn + 2 * math.pi, turn)
    turn = torch.where(both_coloured, turn, 0)
    delta_hue = 2 * (c1 * c2).sqrt() * torch.sin(turn / 2)

    # Eqs 12-14: the mean hue lies half that way on; a grey takes the other's hue.
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    mean_h = torch.where(both_coloured, h1 + turn / 2, h1 + h2)

    # Eqs 15-21: weights of lightness, chroma and hue, and the rotation in the blues.
    t = (
        1
        - 0.17 * torch.cos(mean_h - math.radians(30))
        + 0.24 * torch.cos(2 * mean_h)
        + 0.32 * torch.cos(3 * mean_h + math.radians(6))
        - 0.20 * torch.cos(4 * mean_h - math.radians(63))
    )
    from_blue = torch.remainder(torch.rad2deg(mean_h), 360) - 275
    rotation_angle = math.radians(60) * torch.exp(-(from_blue / 25).square())
    rotation = -2 * _chroma_weight(mean_c) * torch.sin(rotation_angle)
    from_mid = (mean_l - 50).square()

    # Eq 22.
    lightness = (l2 - l1) / (1 + 0.015 * from_mid / (20 + from_mid).sqrt())
    chroma = (c2 - c1) / (1 + 0.045 * mean_c)
    hue = delta_hue / (1 + 0.015 * mean_c * t)
    squared = lightness.square() + chroma.square() + hue.square() + rotation * chroma * hue
    return squared.clamp_min(0).sqrt()


class DeltaE00:
    """Mean CIEDE2000 over the pixels of one image."""

    name = "delta_e00"
    higher_is_better = False
    version = "1"

    def per_image(self, prediction: Tensor, target: Tensor) -> Tensor:
        """(N, 3, H, W) uint8 twice → (N,) float32, 0 for identical images."""
        with exact_float32(target.device):
            return ciede2000(rgb_to_lab(prediction), rgb_to_lab(target)).flatten(1).mean(dim=1)
