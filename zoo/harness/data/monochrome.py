"""Which photos have no colour to predict.

A grey truth makes PSNR meaningless (a grey prediction is then perfect), so such photos are left
out of test sets and counted.
"""

from __future__ import annotations

import numpy as np

MONOCHROME_BELOW = 4.0
"""Photos below this colourfulness count as monochrome."""


def is_monochrome(rgb: np.ndarray) -> bool:
    """Whether uint8 (H, W, 3) has no colour to predict: the one rule of bench, score and data check."""
    return colorfulness(rgb) < MONOCHROME_BELOW


def colorfulness(rgb: np.ndarray) -> float:
    """Hasler and Süsstrunk 2003, "Measuring colourfulness in natural images", equation for M(3).

    σ_rgyb + 0.3 μ_rgyb of the signed opponents rg = R − G and yb = (R + G)/2 − B.

    Args:
        rgb: uint8 (H, W, 3).
    """
    # Integers and twice yb: exact, and several times faster than three float64 planes.
    red, green, blue = (rgb[..., channel].astype(np.int32) for channel in range(3))
    rg = red - green
    yb = red + green - 2 * blue
    spread = np.sqrt(rg.var() + yb.var() / 4)
    mean = np.sqrt(rg.mean() ** 2 + yb.mean() ** 2 / 4)
    return float(spread + 0.3 * mean)
