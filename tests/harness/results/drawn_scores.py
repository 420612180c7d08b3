"""Scores of one model as the statistics suppose them: a mean, seeds, photos, and the rest."""

from __future__ import annotations

import numpy as np


def draw(
    rng: np.random.Generator,
    seeds: int = 3,
    images: int = 200,
    mean: float = 25.0,
    seed_sd: float = 0.1,
    photos: np.ndarray | None = None,
) -> np.ndarray:
    """(seeds, images) in dB; models that are to be compared share ``photos``."""
    photos = rng.normal(scale=4, size=images) if photos is None else photos
    seed_effect = rng.normal(scale=seed_sd, size=(seeds, 1))
    return mean + seed_effect + photos + rng.normal(scale=0.5, size=(seeds, len(photos)))
