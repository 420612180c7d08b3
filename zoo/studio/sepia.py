"""The lightness of a toned or yellowed print: sepia, cyanotype, a grey print whose paper has aged.

Taken is the red channel. Ageing and stains are yellow to brown: they take blue and hardly any red away, and a tone's
own colour is light in red too, so that red shows the silver and little else; in a cyanotype it has the most contrast.
Where red is burnt out in more than :data:`BURNT` of the photo, as a camera's sepia filter leaves it, green is taken, or
at last blue. The channel is stretched from the ink to the paper: a brown that should be black and a cream that should
be white are what no grey photo has that a network learnt from.
"""

from __future__ import annotations

import numpy as np

BURNT = 0.01
"""The share of pixels at 254 or 255."""

_ENDS = (0.1, 99.9)
"""Percentiles that are taken for ink and paper: dust and scratches lie beyond."""


def untoned(rgb: np.ndarray) -> np.ndarray:
    """The print as a grey photo: uint8 (H, W, 3) → uint8 (H, W, 3) with equal channels; even ones are only grey."""
    tone = next((rgb[..., channel] for channel in (0, 1) if (rgb[..., channel] >= 254).mean() <= BURNT), rgb[..., 2])
    ink, paper = np.percentile(tone, _ENDS)
    levels = np.arange(256.0)
    if paper > ink:
        levels = np.clip((levels - ink) * (255 / (paper - ink)), 0, 255)
    grey = levels.round().astype(np.uint8)[tone]
    return np.repeat(grey[..., None], 3, axis=2)
