"""Batches of real photos, and predictions that are nearly right."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zoo.core.color import split_lab
from zoo.core.contracts import Batch


@pytest.fixture(scope="session")
def batch(photos: list[np.ndarray]) -> Batch:
    """Three photos, 64 × 48."""
    rgb = torch.from_numpy(np.stack([photo[60:124, 100:148] for photo in photos[:3]])).permute(0, 3, 1, 2)
    lightness, ab = split_lab(rgb)
    return Batch(lightness, ab, torch.zeros_like(ab), torch.zeros_like(lightness))


@pytest.fixture
def nearly(batch: Batch) -> dict[str, torch.Tensor]:
    """The true chroma, disturbed; a leaf that wants its gradient."""
    noise = torch.randn(batch.ab.shape, generator=torch.Generator().manual_seed(0))
    return {"ab": (0.8 * batch.ab + 0.05 * noise).requires_grad_()}
