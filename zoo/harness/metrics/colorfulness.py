"""Colourfulness (Hasler & Süsstrunk, "Measuring colourfulness in natural images", SPIE 5007, 2003)."""

from __future__ import annotations

from torch import Tensor


def colorfulness(images: Tensor) -> Tensor:
    """``M³ = σ_rgyb + 0.3 μ_rgyb`` on the opponent axes rg = R - G, yb = (R + G)/2 - B.

    The axes keep their sign, as in the paper; the common port that takes their absolute value
    reads 37.4 where this reads 40.5.

    Args:
        images: (N, 3, H, W) uint8 sRGB.

    Returns:
        (N,) float32: 0 for a grey photo, about 15 slightly, 45 averagely, 109 extremely colourful.
    """
    red, green, blue = images.float().flatten(2).unbind(1)
    rg, yb = red - green, (red + green) / 2 - blue
    spread = (rg.var(dim=1, correction=0) + yb.var(dim=1, correction=0)).sqrt()
    offset = (rg.mean(dim=1).square() + yb.mean(dim=1).square()).sqrt()
    return spread + 0.3 * offset


class ColorfulnessGap:
    """``|M³(prediction) - M³(target)|``, image by image.

    The gap is taken per image before averaging: between two means, photos that are too dull and
    photos that are too gaudy would cancel out.
    """

    name = "colorfulness_gap"
    higher_is_better = False
    version = "1"

    def per_image(self, prediction: Tensor, target: Tensor) -> Tensor:
        """(N, 3, H, W) uint8 twice → (N,) float32, 0 for identical images."""
        return (colorfulness(prediction) - colorfulness(target)).abs()
